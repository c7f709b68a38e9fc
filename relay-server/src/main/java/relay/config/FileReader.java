package relay.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** How files are read: a parameter, so that loading has no hidden input. */
@FunctionalInterface
public interface FileReader {

  /** The machine's own files. */
  FileReader DISK =
      (path, maxBytes) -> {
        try (InputStream file = Files.newInputStream(path)) {
          return file.readNBytes(maxBytes);
        }
      };

  /**
   * The first {@code maxBytes} bytes of a file, or all of a shorter one.
   *
   * @throws IOException if it cannot be read
   */
  byte[] read(Path path, int maxBytes) throws IOException;

  /** What to tell a user whose file could not be read. */
  static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException e -> "does not exist";
      case AccessDeniedException e -> "may not be read by this user";
      default -> "cannot be read";
    };
  }
}
