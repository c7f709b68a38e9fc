package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The header of a script is its contract: this test compares it with the code. */
final class ScriptHeaderTest {
  private static final int MOST_LINES = 200;
  private static final int CONTINUED = 10; // indentation of a continuation line
  private static final List<String> SECTIONS = List.of("KEYS", "ARGV", "REPLY", "COST");
  private static final Pattern INCLUDE = Pattern.compile("(?m)^-- @include (\\S+)$");
  private static final Pattern USES = Pattern.compile("(?m)^-- @uses (.+)$");
  private static final Pattern CODE =
      Pattern.compile("return \\{ (-?\\d+)|(?:local )?reply = \\{ (\\d+)");

  @ParameterizedTest
  @EnumSource(ScriptFile.class)
  void a_script_documents_its_purpose_keys_arguments_replies_and_cost(ScriptFile script) {
    String text = read(script);
    assertTrue(text.startsWith("-- "), "what it does comes first");
    for (String section : SECTIONS) {
      assertFalse(section(text, section).isEmpty(), section + " is missing");
    }
    assertTrue(text.lines().count() <= MOST_LINES, "longer than " + MOST_LINES + " lines");
  }

  @ParameterizedTest
  @EnumSource(ScriptFile.class)
  void a_script_uses_the_keys_and_arguments_that_it_names(ScriptFile script) {
    String text = read(script);
    assertNumbered("KEYS", text);
    assertNumbered("ARGV", text);
  }

  private static void assertNumbered(String array, String text) {
    List<String> named =
        section(text, array).stream()
            .filter(line -> !line.startsWith(" ".repeat(CONTINUED)))
            .map(line -> line.strip().split("\\s+", 2)[0])
            .toList();
    List<String> fixed = named.stream().takeWhile(name -> !name.equals("...")).toList();
    assertTrue(
        named.subList(fixed.size(), named.size()).stream().allMatch("..."::equals),
        array + ": what there may be many of comes last");
    Set<Integer> used = new TreeSet<>();
    String code = code(text);
    Pattern.compile(array + "\\[(\\d+)\\]")
        .matcher(code)
        .results()
        .forEach(m -> used.add(Integer.parseInt(m.group(1))));
    int most = used.stream().mapToInt(n -> n).max().orElse(0);
    assertTrue(most <= fixed.size(), array + "[" + most + "] is not in the header");
    Set<Integer> all = new TreeSet<>();
    for (int n = 1; n <= fixed.size(); n++) {
      all.add(n);
    }
    assertEquals(all, used, array + " of the header and of the code");
    boolean many =
        Pattern.compile("unpack\\(" + array + "|[#,(] ?" + array + "[,) ]|" + array + "\\[[^\\d]")
            .matcher(code)
            .find();
    assertEquals(
        named.size() > fixed.size(),
        many,
        array + ": `...` in the header, an index that is computed in the code");
  }

  @ParameterizedTest
  @EnumSource(ScriptFile.class)
  void a_script_documents_every_code_that_it_replies(ScriptFile script) {
    String text = read(script);
    Set<String> documented =
        section(text, "REPLY").stream()
            .filter(line -> line.strip().startsWith("{"))
            .map(line -> line.strip().split("[{,}]", 3)[1].strip())
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> replied = new TreeSet<>();
    String all = code(text);
    CODE.matcher(all)
        .results()
        .forEach(m -> replied.add(m.group(1) == null ? m.group(2) : m.group(1)));
    if (all.contains("return { newly }") || all.contains("return { restored }")) {
      replied.add("n");
    }
    assertEquals(documented, replied);
  }

  @ParameterizedTest
  @EnumSource(ScriptFile.class)
  void a_script_includes_what_its_includes_use_and_before_them(ScriptFile script) {
    List<String> included = includes(read(script));
    assertEquals(Set.copyOf(included).size(), included.size(), "twice: " + included);
    for (String include : included) {
      for (String used : uses(read("include/" + include))) {
        // this also excludes cycles
        assertTrue(
            included.indexOf(used) >= 0 && included.indexOf(used) < included.indexOf(include),
            include + " uses " + used + ", but the includes are " + included);
      }
    }
  }

  /** All includes of all scripts. */
  static Stream<String> includes() {
    return Stream.of(ScriptFile.values()).flatMap(s -> includes(read(s)).stream()).distinct();
  }

  @ParameterizedTest
  @MethodSource("includes")
  void an_include_has_a_header_and_does_not_touch_keys_or_arguments(String name) {
    String text = read("include/" + name);
    assertTrue(text.startsWith("-- "), "what it is comes first");
    assertFalse(Pattern.compile("\\b(KEYS|ARGV)\\b").matcher(text).find(), "KEYS or ARGV");
    assertTrue(text.lines().count() <= MOST_LINES, "longer than " + MOST_LINES + " lines");
    assertTrue(includes(text).isEmpty(), "includes are included by scripts");
  }

  @ParameterizedTest
  @MethodSource("includes")
  void an_include_names_the_includes_that_it_uses(String name) {
    String code = code(read("include/" + name)).replaceAll("'[^']*'", "''");
    Set<String> reachable = new TreeSet<>(uses(read("include/" + name)));
    for (String use : List.copyOf(reachable)) {
      reachable.addAll(uses(read("include/" + use)));
    }
    Set<String> own = defined(code);
    includes()
        .filter(other -> !other.equals(name) && !reachable.contains(other))
        .forEach(
            other -> {
              Set<String> theirs = defined(code(read("include/" + other)));
              theirs.removeAll(own);
              theirs.removeIf(
                  word -> !Pattern.compile("(?<![\\w.])" + word + "\\b").matcher(code).find());
              theirs.removeIf(
                  word ->
                      Pattern.compile("[(,] ?" + word + "[,)]|local [^=]*\\b" + word + "\\b")
                          .matcher(code)
                          .find());
              assertTrue(theirs.isEmpty(), name + " uses " + theirs + " of " + other);
            });
  }

  /** The names that a file's outermost level defines. */
  private static Set<String> defined(String code) {
    Set<String> names = new TreeSet<>();
    Pattern.compile("(?m)^local (?:function (\\w+)|([\\w, ]+) =)")
        .matcher(code)
        .results()
        .map(m -> m.group(1) == null ? m.group(2) : m.group(1))
        .forEach(all -> names.addAll(Arrays.asList(all.split(", "))));
    return names;
  }

  /** The lines of a section of the header, without its title. */
  private static List<String> section(String text, String title) {
    List<String> lines = new ArrayList<>();
    boolean inside = false;
    for (String line : text.lines().takeWhile(l -> l.startsWith("--")).toList()) {
      if (line.startsWith("-- " + title)) {
        inside = true;
        lines.add(line.substring(3 + title.length()));
      } else if (inside && line.startsWith("--      ")) {
        lines.add(line.substring(2));
      } else {
        inside = false;
      }
    }
    return lines;
  }

  private static List<String> includes(String text) {
    return words(INCLUDE, text, m -> Stream.of(m.group(1)));
  }

  private static List<String> uses(String text) {
    return words(USES, text, m -> Stream.of(m.group(1).split(", ")));
  }

  private static List<String> words(
      Pattern pattern, String text, Function<MatchResult, Stream<String>> words) {
    return pattern.matcher(text).results().flatMap(words).toList();
  }

  /** Without comments. */
  private static String code(String text) {
    return text.lines().map(line -> line.replaceAll("--.*", "")).collect(Collectors.joining("\n"));
  }

  private static String read(ScriptFile script) {
    return read(script.name().toLowerCase(Locale.ROOT));
  }

  private static String read(String name) {
    try (InputStream in = ScriptFile.class.getResourceAsStream("/relay/redis/" + name + ".lua")) {
      assertTrue(in != null, "no such file: " + name);
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
