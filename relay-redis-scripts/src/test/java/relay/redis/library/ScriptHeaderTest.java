package relay.redis.library;

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
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The header of a script is its contract: this test compares it with the code. */
@Tag("slow")
final class ScriptHeaderTest {
  private static final int MOST_LINES = 240;
  private static final int MOST_PARAMETERS = 7;
  private static final int MOST_LINES_OF_A_FUNCTION = 60;
  private static final int CONTINUED = 10; // indentation of a continuation line
  private static final List<String> SECTIONS = List.of("KEYS", "ARGV", "REPLY", "COST");
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

  /** All modules. */
  static Stream<String> modules() {
    Set<String> modules = new TreeSet<>();
    Stream.of(ScriptFile.values()).forEach(script -> addUsed(script.file(), modules));
    return modules.stream();
  }

  private static void addUsed(String file, Set<String> modules) {
    for (String used : uses(file)) {
      if (modules.add(used)) {
        addUsed(used, modules);
      }
    }
  }

  static Stream<String> files() {
    return Stream.concat(Stream.of(ScriptFile.values()).map(ScriptFile::file), modules());
  }

  @ParameterizedTest
  @MethodSource("modules")
  void a_module_has_a_header_a_table_of_its_name_and_does_not_touch_keys_or_arguments(String name) {
    String text = read(name);
    assertTrue(text.startsWith("-- "), "what it is comes first");
    assertTrue(text.contains("\nlocal " + table(name) + " = {}\n"), "no table of its name");
    assertFalse(Pattern.compile("\\b(KEYS|ARGV)\\b").matcher(text).find(), "KEYS or ARGV");
    assertTrue(text.lines().count() <= MOST_LINES, "longer than " + MOST_LINES + " lines");
  }

  @ParameterizedTest
  @MethodSource("modules")
  void no_module_uses_itself_by_others(String name) {
    Set<String> used = new TreeSet<>();
    addUsed(name, used);
    assertFalse(used.contains(name), name + " uses " + used);
  }

  @ParameterizedTest
  @MethodSource("files")
  void a_file_names_the_modules_that_it_uses_and_no_others(String name) {
    String code = code(read(name)).replaceAll("'[^']*'", "''");
    Set<String> named = new TreeSet<>(uses(name));
    Set<String> used = new TreeSet<>();
    Set<String> own = declared(code);
    modules()
        .filter(module -> !module.equals(name))
        .forEach(
            module -> {
              Set<String> constants = declared(code(read(module)));
              constants.removeAll(own);
              boolean takesConstants =
                  constants.stream().anyMatch(word -> mentions(code, word + "\\b"));
              if (mentions(code, table(module) + "\\.\\w")
                  || (takesConstants && named.contains(module))) {
                used.add(module);
              }
            });
    assertEquals(used, named);
  }

  @ParameterizedTest
  @MethodSource("files")
  void no_local_name_hides_a_module_that_the_file_uses(String name) {
    String code = code(read(name));
    for (String used : uses(name)) {
      String table = table(used);
      Pattern hides =
          Pattern.compile(
              "local [\\w, ]*\\b%1$s\\b|for [\\w, ]*\\b%1$s\\b|function[ .\\w]*\\([^)]*\\b%1$s\\b"
                  .formatted(table));
      assertFalse(hides.matcher(code).find(), table);
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void a_function_has_few_parameters_and_fits_a_screen(String name) {
    List<LuaFunction> tooLarge =
        LuaFunction.in(read(name)).stream()
            .filter(
                one -> one.parameters() > MOST_PARAMETERS || one.lines() > MOST_LINES_OF_A_FUNCTION)
            .toList();
    assertEquals(List.of(), tooLarge);
  }

  @Test
  void the_functions_of_a_file_are_found_with_their_lines_and_parameters() {
    String lua =
        """
        local function outer(a, b, c) -- if this is the end
          for n = 1, 2 do
            if a then b = 'end' elseif c then repeat a = n until a end
          end
          return function() return function(x) end end
        end
        function outer.one(k) end
        """;
    assertEquals(
        List.of(
            new LuaFunction("", 5, 1, 1),
            new LuaFunction("", 5, 1, 0),
            new LuaFunction("outer", 1, 6, 3),
            new LuaFunction("outer.one", 7, 1, 1)),
        LuaFunction.in(lua));
  }

  private static boolean mentions(String code, String pattern) {
    return Pattern.compile("(?<![\\w.])" + pattern).matcher(code).find();
  }

  private static String table(String module) {
    return module.substring(module.lastIndexOf('/') + 1);
  }

  /** The constants that a file declares. */
  private static Set<String> declared(String code) {
    Set<String> names = new TreeSet<>();
    Pattern.compile("(?m)^local ([A-Z][A-Z0-9_, ]*) =")
        .matcher(code)
        .results()
        .forEach(m -> names.addAll(Arrays.asList(m.group(1).split(", "))));
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

  private static List<String> uses(String file) {
    return ScriptLibrary.uses(read(file).lines().toList());
  }

  /** Without comments. */
  private static String code(String text) {
    return text.lines().map(line -> line.replaceAll("--.*", "")).collect(Collectors.joining("\n"));
  }

  private static String read(ScriptFile script) {
    return read(script.file());
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
