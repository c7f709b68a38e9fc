package relay.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The scripts. All are functions of one library, which Redis keeps, replicates and saves as it does
 * data: so a call costs no compiled text's prelude, and a failover forgets none of them. The
 * library's name holds its digest: replicas of two versions can use one Redis.
 */
enum ScriptFile {
  ACQUIRE,
  ACQUIRE_INDEXED,
  PICK,
  SETTLE,
  RENEW,
  COOLDOWN,
  OBSERVE,
  QUARANTINE,
  RESTORE,
  CHARGE,
  CONFIGURE,
  SURVEY,
  LEARN,
  BREAKER,
  PROBE,
  TALLY,
  TALLIED;

  private static final String INCLUDE = "-- @include ";
  private static final String NUMBER = "-?[0-9.]+(?:e[0-9]+)?";

  /** {@code local A, B = 1, 2} at the beginning of a line. */
  private static final Pattern CONSTANTS =
      Pattern.compile(
          "(?m)^local ([A-Z][A-Z0-9_, ]*) =\\s+(" + NUMBER + "(?:, " + NUMBER + ")*)(?: *--.*)?\n");

  /** A text, or a name that may be a constant's. */
  private static final Pattern WORD = Pattern.compile("'[^'\n]*'|(?<![\\w.])[A-Z][A-Z0-9_]*\\b");

  private final String file = name().toLowerCase(Locale.ROOT);

  /** What Redis is given: all scripts and, once, all that they include. */
  static String library() {
    return Library.TEXT;
  }

  /** The name by which it is called. */
  String function() {
    return Library.NAME + "_" + file;
  }

  private static final class Library {
    static final String NAME;
    static final String TEXT;

    static {
      String includes = includes();
      Map<String, String> constants = constants(includes);
      String shared = withNumbers(CONSTANTS.matcher(includes).replaceAll(""), constants);
      String code = shared + withNumbers(functions("%s"), constants);
      NAME = "relay_" + Digests.hex("SHA-256", code).substring(0, 12);
      TEXT = "#!lua name=" + NAME + "\n" + shared + withNumbers(functions(NAME), constants);
    }
  }

  /** What the includes' constants stand for. */
  private static Map<String, String> constants(String includes) {
    Map<String, String> constants = new HashMap<>();
    CONSTANTS
        .matcher(includes)
        .results()
        .forEach(
            found -> {
              List<String> names = List.of(found.group(1).split(", "));
              List<String> values = List.of(found.group(2).split(", "));
              for (int n = 0; n < names.size(); n++) {
                constants.put(names.get(n), values.get(n));
              }
            });
    return constants;
  }

  /** Puts numbers in place of constants' names: Lua would look each name up each time. */
  private static String withNumbers(String lua, Map<String, String> constants) {
    return WORD.matcher(lua)
        .replaceAll(
            word -> Matcher.quoteReplacement(constants.getOrDefault(word.group(), word.group())));
  }

  /** Each include before those that use it, as the scripts name them. */
  private static String includes() {
    Set<String> names = new LinkedHashSet<>();
    for (ScriptFile script : values()) {
      read(script.file)
          .lines()
          .filter(line -> line.startsWith(INCLUDE))
          .forEach(line -> names.add(line.substring(INCLUDE.length()).strip()));
    }
    StringBuilder out = new StringBuilder();
    names.forEach(name -> out.append(withoutComments(read("include/" + name))));
    return out.toString();
  }

  private static String functions(String library) {
    StringBuilder out = new StringBuilder();
    for (ScriptFile script : values()) {
      out.append("redis.register_function('")
          .append(library)
          .append('_')
          .append(script.file)
          .append("', function(KEYS, ARGV)\n")
          .append(withoutComments(read(script.file)))
          .append("end)\n");
    }
    return out.toString();
  }

  /** They would only be sent and kept. */
  private static String withoutComments(String lua) {
    StringBuilder out = new StringBuilder();
    lua.lines()
        .filter(line -> !line.stripLeading().startsWith("--"))
        .forEach(line -> out.append(line).append('\n'));
    return out.toString();
  }

  private static String read(String name) {
    try (InputStream in = ScriptFile.class.getResourceAsStream("/relay/redis/" + name + ".lua")) {
      if (in == null) {
        throw new IllegalStateException("script " + name + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
