package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

/** The build merges all libraries into one jar, so file names must not collide. */
class LibrariesTest {

  @Test
  void no_two_libraries_have_different_versions_of_a_class() throws IOException {
    Map<String, JarEntry> classes = new HashMap<>();
    List<String> differing = new ArrayList<>();
    for (String jar : jars()) {
      try (JarFile file = new JarFile(jar)) {
        for (JarEntry entry : Collections.list(file.entries())) {
          if (!entry.getName().endsWith(".class") || entry.getName().endsWith("-info.class")) {
            continue;
          }
          JarEntry other = classes.putIfAbsent(entry.getName(), entry);
          if (other != null && other.getCrc() != entry.getCrc()) {
            differing.add(entry.getName() + " of " + jar);
          }
        }
      }
    }
    assertTrue(classes.containsKey("io/undertow/Undertow.class"), "the libraries were not found");
    assertEquals(List.of(), differing);
  }

  private static List<String> jars() {
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return List.of(path.split(File.pathSeparator, -1)).stream()
        .filter(part -> part.endsWith(".jar"))
        .toList();
  }
}
