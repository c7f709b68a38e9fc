package relay.redis.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Assembling scripts and modules into one text. */
final class ScriptLibraryTest {
  private final Map<String, String> files =
      new HashMap<>(
          Map.of(
              "one",
              "-- A comment: A\n-- @uses a/first, b/second\nreturn A + B.A, first.TEXT\n",
              "two",
              "-- @uses b/second\n"
                  + "local X = 7\n"
                  + "  -- indented\n"
                  + "return 'C' .. C, CD, aC, C_, A, E, second.take(X) -- it's C\n",
              "a/first",
              "local first = {}\n"
                  + "local A, B = 1, -2.5e6 -- numbers\n"
                  + "local TEXT, X = '<d', 8\n"
                  + "first.TEXT = TEXT\n",
              "b/second",
              "-- @uses a/first\n"
                  + "local second = {}\n"
                  + "local C, D =\n"
                  + "  3, 4\n\n"
                  + "local E = A\n"
                  + "local function G() return r.math.max(math.max) end\n"
                  + "function second.take() return G end\n"));

  private ScriptLibrary library() {
    return new ScriptLibrary(
        List.of("one", "two"), file -> Objects.requireNonNull(files.get(file)));
  }

  @Test
  void constants_become_numbers_where_they_are_visible_and_a_module_keeps_its_names_to_itself() {
    ScriptLibrary library = library();
    String name = library.name;
    String locals = library.text.lines().skip(2).findFirst().orElse("");
    assertTrue(locals.startsWith("local redis_call, math_max, math_min, "), locals);
    String globals = locals.replace("local ", "").replace('_', '.');
    assertEquals(
        """
        #!lua name=%1$s
        local function globals() return %2$s end
        %3$s
        local function bind() %4$s = globals() end
        local first = {}
        do
        local TEXT, X = '<d', 8
        first.TEXT = TEXT
        end
        local second = {}
        do
        local E = 1
        local function G() return r.math.max(math_max) end
        function second.take() return G end
        end
        do
        local first_TEXT = first.TEXT
        redis.register_function('%1$s_one', function(KEYS, ARGV)
        if not redis_call then bind() end
        return 1 + -2.5e6.A, first_TEXT
        end)
        end
        do
        local second_take = second.take
        redis.register_function('%1$s_two', function(KEYS, ARGV)
        if not redis_call then bind() end
        return 'C' .. 3, CD, aC, C_, A, E, second_take(7) -- it's 3
        end)
        end
        """
            .formatted(name, globals, locals, locals.replace("local ", "")),
        library.text);
    assertTrue(name.matches("relay_[0-9a-f]{12}"), name);
  }

  @Test
  void two_values_of_a_constant_are_refused() {
    files.put("b/second", "local second = {}\nlocal A = 2\n");
    assertThrows(IllegalStateException.class, this::library);
  }

  @Test
  void a_different_text_has_a_different_name() {
    String before = library().name;
    assertEquals(before, library().name);
    files.put("two", files.get("two") + "-- a comment is no part of it\n");
    assertEquals(before, library().name);
    files.computeIfPresent("a/first", (file, text) -> text.replace("-2.5e6", "-2.5e7"));
    assertNotEquals(before, library().name);
  }

  @Test
  void the_built_library_matches_the_scripts() {
    assertEquals(ScriptFile.assemble().text, ScriptFile.library());
    assertTrue(
        ScriptFile.library()
            .contains("redis.register_function('" + ScriptFile.SETTLE.function() + "'"));
  }
}
