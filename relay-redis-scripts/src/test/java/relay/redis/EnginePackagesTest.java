package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The engine's packages: which may use which, how large they are, and what hangs together. */
@Tag("slow")
final class EnginePackagesTest {
  /** From the top. A package uses those of lower rows; packages of one row do not know another. */
  private static final List<Set<String>> ROWS =
      List.of(
          Set.of(""), // relay.redis: what callers begin with
          Set.of("report"),
          Set.of("outage", "waiting"),
          Set.of("lease"),
          Set.of("script"),
          Set.of("estimate", "link"),
          Set.of("library", "model"));

  private static final int MOST_FILES = 40;

  /** The most classes that all need each other: a reader must understand them at once. */
  private static final int LARGEST_KNOT = 8;

  private static final Path SOURCES = Path.of("src/main/java/relay/redis");
  private static final Pattern IMPORT =
      Pattern.compile("^import (?:static )?relay\\.redis\\.((?:[a-z]\\w*)?)", Pattern.MULTILINE);

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("relay.redis");

  @Test
  void imports_point_down() throws IOException {
    List<String> found = new ArrayList<>();
    for (Path file : files()) {
      String from = packageOf(file);
      IMPORT
          .matcher(Files.readString(file))
          .results()
          .map(MatchResult::group)
          .map(line -> line.substring(line.lastIndexOf("redis.") + "redis.".length()))
          .filter(to -> !to.equals(from) && row(to) <= row(from))
          .forEach(to -> found.add(file + " imports " + to));
    }
    assertEquals(List.of(), found);
  }

  /** Also what no import names, such as the type of a value that is only passed on. */
  @Test
  void uses_point_down() {
    Set<String> found = new TreeSet<>();
    for (JavaClass type : CLASSES) {
      for (Dependency use : type.getDirectDependenciesFromSelf()) {
        String from = packageOf(type);
        String to = packageOf(use.getTargetClass());
        if (isOurs(use.getTargetClass()) && !to.equals(from) && row(to) <= row(from)) {
          found.add(use.getDescription());
        }
      }
    }
    assertEquals(Set.of(), found);
  }

  /** Elsewhere a URL is read by it, and a refusal of Redis is told from other failures. */
  @Test
  void lettuce_stays_in_the_link() {
    Set<String> found = new TreeSet<>();
    for (JavaClass type : CLASSES) {
      for (Dependency use : type.getDirectDependenciesFromSelf()) {
        String used = use.getTargetClass().getName();
        if (!packageOf(type).equals("link")
            && (used.startsWith("io.lettuce.") || used.startsWith("io.netty."))
            && !used.equals("io.lettuce.core.RedisCommandExecutionException")
            && !fileOf(type).equals("relay.redis.model.RedisServers")) {
          found.add(use.getDescription());
        }
      }
    }
    assertEquals(Set.of(), found);
  }

  @Test
  void no_package_is_larger_than_a_reader_can_hold() throws IOException {
    Map<String, Integer> sizes = new TreeMap<>();
    files().forEach(file -> sizes.merge(packageOf(file), 1, Integer::sum));
    assertTrue(sizes.keySet().containsAll(ROWS.stream().flatMap(Set::stream).toList()));
    sizes.values().removeIf(size -> size <= MOST_FILES);
    assertEquals(Map.of(), sizes, "at most " + MOST_FILES + " files");
  }

  @Test
  void few_classes_need_each_other() {
    Map<String, Set<String>> reached = new HashMap<>();
    Map<String, Set<String>> uses = uses();
    uses.keySet().forEach(type -> reached.put(type, reachedFrom(type, uses)));
    Set<Set<String>> knots = new HashSet<>();
    reached.forEach(
        (type, all) -> {
          Set<String> knot = new TreeSet<>(all);
          knot.removeIf(other -> !reached.getOrDefault(other, Set.of()).contains(type));
          knots.add(knot);
        });
    knots.removeIf(knot -> knot.size() <= LARGEST_KNOT);
    assertEquals(Set.of(), knots, "at most " + LARGEST_KNOT + " classes");
  }

  private static Set<String> reachedFrom(String type, Map<String, Set<String>> uses) {
    Set<String> reached = new TreeSet<>();
    Deque<String> next = new ArrayDeque<>(List.of(type));
    while (!next.isEmpty()) {
      for (String used : uses.getOrDefault(next.pop(), Set.of())) {
        if (reached.add(used)) {
          next.push(used);
        }
      }
    }
    return reached;
  }

  /** By file, so nested types are their outer type. */
  private static Map<String, Set<String>> uses() {
    Map<String, Set<String>> uses = new TreeMap<>();
    for (JavaClass type : CLASSES) {
      Collection<String> of = uses.computeIfAbsent(fileOf(type), name -> new TreeSet<>());
      type.getDirectDependenciesFromSelf().stream()
          .map(Dependency::getTargetClass)
          .filter(EnginePackagesTest::isOurs)
          .map(EnginePackagesTest::fileOf)
          .filter(used -> !used.equals(fileOf(type)))
          .forEach(of::add);
    }
    return uses;
  }

  private static String fileOf(JavaClass type) {
    return type.getBaseComponentType().getName().replaceFirst("\\$.*", "");
  }

  private static boolean isOurs(JavaClass type) {
    return (type.getBaseComponentType().getPackageName() + ".").startsWith("relay.redis.");
  }

  private static String packageOf(JavaClass type) {
    return type.getBaseComponentType().getPackageName().replaceFirst("relay\\.redis\\.?", "");
  }

  private static String packageOf(Path file) {
    return SOURCES.relativize(file.getParent()).toString();
  }

  private static int row(String name) {
    for (int row = 0; row < ROWS.size(); row++) {
      if (ROWS.get(row).contains(name)) {
        return row;
      }
    }
    throw new AssertionError(name + " is in no row");
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(SOURCES)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.endsWith("package-info.java"))
          .sorted()
          .toList();
    }
  }
}
