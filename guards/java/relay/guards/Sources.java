package relay.guards;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The files of the module under test. The build makes the module the working directory. */
final class Sources {
  private static final List<Path> ROOTS = List.of(Path.of("src"), Path.of("../guards"));

  private Sources() {}

  static List<Path> endingIn(String... suffixes) {
    return ROOTS.stream().flatMap(root -> under(root, suffixes)).sorted().toList();
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<Path> under(Path root, String... suffixes) {
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .filter(file -> Stream.of(suffixes).anyMatch(file.toString()::endsWith))
          .filter(Files::isRegularFile)
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
