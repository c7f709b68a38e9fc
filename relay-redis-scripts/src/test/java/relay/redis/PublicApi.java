package relay.redis;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The library's public API: the other packages are public to each other only. */
final class PublicApi {
  static final Set<String> PACKAGES = Set.of("relay.redis", "relay.redis.model");

  private static final Path SOURCES = Path.of("src/main/java");

  private PublicApi() {}

  static List<Path> sources() throws IOException {
    List<Path> sources = new ArrayList<>();
    for (String name : PACKAGES) {
      try (Stream<Path> files = Files.list(SOURCES.resolve(name.replace('.', '/')))) {
        files.filter(file -> file.toString().endsWith(".java")).sorted().forEach(sources::add);
      }
    }
    return sources;
  }

  /** The public top-level types. */
  static List<Class<?>> types() throws IOException, ClassNotFoundException {
    List<Class<?>> types = new ArrayList<>();
    for (Path source : sources()) {
      if (!source.endsWith("package-info.java")) {
        String name = SOURCES.relativize(source).toString().replace(".java", "");
        Class<?> type = Class.forName(name.replace('/', '.'));
        if (Modifier.isPublic(type.getModifiers())) {
          types.add(type);
        }
      }
    }
    return types;
  }
}
