package relay.guards;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Rules checked on the source text. */
class SourceRulesTest {
  private static final int MOST_LINES = 400;

  /** Tests wait for events or pass a clock; they never sleep. */
  private static final Pattern SLEEP = Pattern.compile("(\\.|::)\\s*sleep\\b");

  private static final Pattern VAGUE_NAME =
      Pattern.compile("\\w*(Manager|Helpers?|Utils?|Utilities|Data|Impl)\\.java");

  @Test
  void no_file_is_longer_than_a_reader_can_hold() {
    List<String> found = new ArrayList<>();
    for (Path file : Sources.endingIn(".java", ".lua")) {
      long lines = Sources.read(file).lines().count();
      if (lines > MOST_LINES) {
        found.add(file + ": " + lines + " lines, at most " + MOST_LINES);
      }
    }
    assertEquals(List.of(), found);
  }

  /** The engine's other packages are public to each other only. */
  private static final Pattern INSIDE_THE_ENGINE =
      Pattern.compile("\\brelay\\.redis\\.(?!model\\.)[a-z]\\w*\\.[A-Z]");

  @Test
  void only_the_engine_uses_what_is_inside_of_it() {
    List<String> found = new ArrayList<>();
    for (Path file : Sources.endingIn(".java")) {
      String text = Sources.read(file);
      if (!text.startsWith("package relay.redis") && INSIDE_THE_ENGINE.matcher(text).find()) {
        found.add(file + ": of the engine, use relay.redis and relay.redis.model");
      }
    }
    assertEquals(List.of(), found);
  }

  @Test
  void nothing_sleeps() {
    List<String> found = new ArrayList<>();
    for (Path file : Sources.endingIn(".java")) {
      if (SLEEP.matcher(Sources.read(file)).find()) {
        found.add(file + ": sleeps; wait for the event itself, with a bound");
      }
    }
    assertEquals(List.of(), found);
  }

  /** A fragment: it has no subject, and the reader must find what is meant. */
  private static final Pattern FRAGMENT = Pattern.compile("(?m)(/\\*\\*|//|--) Of [a-z{]");

  @Test
  void comments_have_a_subject() {
    List<String> found =
        Sources.endingIn(".java", ".lua").stream()
            .filter(file -> FRAGMENT.matcher(Sources.read(file)).find())
            .map(file -> file + ": a comment begins with \"Of\"; say first what it is")
            .toList();
    assertEquals(List.of(), found);
  }

  @Test
  void names_say_what_a_type_is() {
    List<String> found =
        Sources.endingIn(".java").stream()
            .filter(file -> VAGUE_NAME.matcher(file.getFileName().toString()).matches())
            .map(file -> file + ": use a more specific name")
            .toList();
    assertEquals(List.of(), found);
  }
}
