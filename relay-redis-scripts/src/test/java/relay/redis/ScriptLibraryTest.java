package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Assembling scripts and includes into one text. */
final class ScriptLibraryTest {
  private final Map<String, String> files =
      new HashMap<>(
          Map.of(
              "one",
              "-- A comment: A\n-- @include first\n-- @include second\nreturn A + B.A, TEXT\n",
              "two",
              "-- @include second\n"
                  + "  -- indented\n"
                  + "return 'A' .. C, AB, aA, A_, A, E, take() -- it's A\n",
              "include/first",
              "local A, B = 1, -2.5e6 -- numbers\nlocal TEXT = '<d'\nlocal own = 5\n",
              "include/second",
              "local C, D =\n"
                  + "  3, 4\n\n"
                  + "local E = A\n"
                  + "local F = f(C)\n"
                  + "local function G() return r.math.max(math.max) end\n"
                  + "local function take() return G end\n"));

  private ScriptLibrary library() {
    return new ScriptLibrary(
        List.of("one", "two"), file -> Objects.requireNonNull(files.get(file)));
  }

  @Test
  void constants_become_numbers_globals_local_names_and_what_one_include_uses_its_own() {
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
        (function()
        local TEXT
        do
        TEXT = '<d'
        local own = 5
        end
        local E, take
        do
        E = 1
        local F = f(3)
        local function G() return r.math.max(math_max) end
        function take() return G end
        end
        redis.register_function('%1$s_one', function(KEYS, ARGV)
        if not redis_call then bind() end
        return 1 + -2.5e6.A, TEXT
        end)
        redis.register_function('%1$s_two', function(KEYS, ARGV)
        if not redis_call then bind() end
        return 'A' .. 3, AB, aA, A_, 1, E, take() -- it's 1
        end)
        end)()
        """
            .formatted(name, globals, locals, locals.replace("local ", "")),
        library.text);
    assertTrue(name.matches("relay_[0-9a-f]{12}"), name);
  }

  @Test
  void a_different_text_has_a_different_name() {
    String before = library().name;
    assertEquals(before, library().name);
    files.put("two", files.get("two") + "-- a comment is no part of it\n");
    assertEquals(before, library().name);
    files.put("include/first", "local A, B = 1, -2.5e7\nlocal TEXT = '<d'\n");
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
