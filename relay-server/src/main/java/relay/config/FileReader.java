package relay.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads files. A parameter of loading, so that tests need no disk. */
@FunctionalInterface
public interface FileReader {

  /** Reads from the local file system. */
  FileReader DISK =
      (path, maxBytes) -> {
        try (InputStream file = Files.newInputStream(path)) {
          return file.readNBytes(maxBytes);
        }
      };

  /**
   * The first {@code maxBytes} bytes of a file, or the whole file if it is shorter.
   *
   * @throws IOException if it cannot be read
   */
  byte[] read(Path path, int maxBytes) throws IOException;

  /** A message for the user about an unreadable file. */
  static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException e -> "does not exist";
      case AccessDeniedException e -> "may not be read by this user";
      default -> "cannot be read";
    };
  }
}
