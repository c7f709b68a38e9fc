package relay.config;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Files whose content may change while Relay runs: others read them again. */
final class FileSettings {
  private FileSettings() {}

  /**
   * The path of a file. Its content is checked here to find faults before the start.
   *
   * @param form what the value may be
   * @param content what the file has to hold
   * @param isContent never called with more bytes than {@code maxBytes}
   * @return null after a fault
   */
  static @Nullable Path checked(
      Value value, String form, String content, int maxBytes, Predicate<byte[]> isContent) {
    Value.Scalar scalar = value.text(form);
    if (scalar == null) {
      return null;
    }
    try {
      byte[] bytes = value.readFile(scalar.text(), maxBytes + 1);
      if (bytes.length <= maxBytes && isContent.test(bytes)) {
        return value.resolved(scalar.text());
      }
      value.refuse("names a file that does not hold " + content, form);
    } catch (IOException e) {
      value.refuse("names a file which " + FileReader.reason(e), form);
    } catch (InvalidPathException e) {
      value.refuse("names a file with an invalid name", form);
    }
    return null;
  }
}
