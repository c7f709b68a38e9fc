package relay.guards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Simple class names are unique in the whole project. */
class UniqueNamesTest {
  private static final String PACKAGE_PAGE = "package-info.java";

  @Test
  void no_two_files_declare_classes_of_one_name() throws IOException {
    Map<String, List<Path>> byName;
    try (Stream<Path> files = Files.walk(Path.of(".."))) {
      byName =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .filter(file -> !file.toString().contains("/target/"))
              .filter(file -> !file.getFileName().toString().equals(PACKAGE_PAGE))
              .collect(
                  Collectors.groupingBy(
                      file -> file.getFileName().toString(), TreeMap::new, Collectors.toList()));
    }
    assertFalse(byName.isEmpty(), "found no Java file: is the module the working directory?");
    byName.values().removeIf(files -> files.size() == 1);
    assertEquals(Map.of(), byName, "give all but one of them another name");
  }
}
