package relay.redis;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The function library for Redis: every script as a function, and each include once. The build
 * assembles it into the jar, because assembly takes 40 ms at start.
 */
final class ScriptLibrary {
  /** The start of the first line; the library's name follows. */
  static final String NAME_LINE = "#!lua name=";

  private static final String INCLUDE = "-- @include ";
  private static final String LOCAL = "local ";

  /** A declaration outside of functions. */
  private static final Pattern DECLARED =
      Pattern.compile("^local (function )?([A-Za-z_][A-Za-z_0-9]*(?:, [A-Za-z_][A-Za-z_0-9]*)*)");

  private static final String REGISTER = "redis.register_function('";

  /**
   * What the scripts use of Lua and Redis all the time. Each becomes a local variable, for Redis
   * looks a global name up in three tables. They do not exist yet when the library is loaded, so
   * the first call sets them.
   */
  private static final List<String> GLOBALS =
      List.of(
          "redis.call",
          "math.max",
          "math.min",
          "math.floor",
          "math.ceil",
          "math.huge",
          "struct.pack",
          "struct.unpack",
          "string.match",
          "string.sub",
          "string.find",
          "string.format",
          "tonumber",
          "unpack",
          "ipairs",
          "pairs");

  private static final Set<String> TABLES = Set.of("redis", "math", "struct", "string");

  /**
   * A function encloses the library: it may have 200 local names, and these are beside them. What
   * an include uses alone is local to a block, and does not count: {@link #enclosed}.
   */
  private static final String BEGIN =
      """
      local function globals() return %s end
      local %s
      local function bind() %2$s = globals() end
      (function()
      """
          .formatted(String.join(", ", GLOBALS), String.join(", ", locals()));

  private static final String BIND = "if not redis_call then bind() end\n";
  private static final String END = "end)()\n";

  /** The library's name contains its digest, so replicas of two versions can share one Redis. */
  final String name;

  final String text;

  /**
   * @param scripts the scripts' names, which are also their functions' names
   * @param read returns the text of a script, or of {@code include/} and an include's name
   */
  ScriptLibrary(Collection<String> scripts, UnaryOperator<String> read) {
    List<String[]> sources = scripts.stream().map(script -> lines(read.apply(script))).toList();
    Set<String> includes =
        new LinkedHashSet<>(); // in order of use: an include comes after those that it uses
    for (String[] source : sources) {
      for (String line : source) {
        if (line.startsWith(INCLUDE)) {
          includes.add(line.substring(INCLUDE.length()).strip());
        }
      }
    }
    Map<String, String> constants = new HashMap<>();
    List<String> bodies = sources.stream().map(ScriptLibrary::code).toList();
    List<String> texts = new ArrayList<>();
    for (String include : includes) {
      StringBuilder text = new StringBuilder();
      addShared(text, constants, lines(read.apply("include/" + include)));
      texts.add(text.toString());
    }
    Map<String, Integer> users = new HashMap<>(); // of a name: how many includes and scripts
    texts.forEach(text -> words(text).forEach(name -> users.merge(name, 1, Integer::sum)));
    bodies.forEach(body -> words(body).forEach(name -> users.merge(name, 1, Integer::sum)));
    StringBuilder shared = new StringBuilder(1 << 16);
    texts.forEach(text -> shared.append(enclosed(text, users)));
    StringBuilder code = new StringBuilder(1 << 17);
    code.append(BEGIN);
    addWithLocals(code, shared, constants);
    int functions = code.length();
    int n = 0;
    for (String script : scripts) {
      code.append(REGISTER).append('_').append(script).append("', function(KEYS, ARGV)\n");
      code.append(BIND);
      addWithLocals(code, bodies.get(n++), constants);
      code.append("end)\n");
    }
    code.append(END);
    name = "relay_" + Digests.hex("SHA-256", code.toString()).substring(0, 12);
    text =
        NAME_LINE
            + name
            + "\n"
            + code.substring(0, functions)
            + code.substring(functions).replace(REGISTER, REGISTER + name);
  }

  /** For the build: writes the library to the named file. */
  public static void main(String[] args) throws IOException {
    Files.writeString(Path.of(args[0]), ScriptFile.assemble().text);
  }

  private static List<String> locals() {
    return GLOBALS.stream().map(ScriptLibrary::local).toList();
  }

  private static String local(String global) {
    return global.replace('.', '_');
  }

  private static String[] lines(String lua) {
    return lua.split("\n", -1);
  }

  /** Drops comments and empty lines: Redis would store them. */
  private static void addCode(StringBuilder out, String line) {
    if (!line.isEmpty() && !line.stripLeading().startsWith("--")) {
      out.append(line).append('\n');
    }
  }

  /**
   * Returns an include's code in a block of its own, with the names that others use declared before
   * it.
   */
  private static String enclosed(String code, Map<String, Integer> users) {
    List<String> shared = new ArrayList<>();
    StringBuilder block = new StringBuilder(code.length() + 64);
    boolean hides = false;
    for (String line : lines(code)) {
      Matcher declared = DECLARED.matcher(line);
      if (declared.find()) {
        List<String> names = List.of(declared.group(2).split(", ", -1));
        if (names.stream().anyMatch(name -> users.getOrDefault(name, 0) > 1)) {
          shared.addAll(names);
          line =
              declared.group(1) == null
                  ? line.substring(LOCAL.length())
                  : "function " + line.substring(declared.start(2));
        } else {
          hides = true;
        }
      }
      block.append(line).append('\n');
    }
    if (!hides) {
      return code;
    }
    String names = shared.isEmpty() ? "" : LOCAL + String.join(", ", shared) + "\n";
    return names + "do\n" + block.toString().stripTrailing() + "\nend\n";
  }

  /** The names that the code uses; a field's name, as in {@code r.limit}, is none. */
  private static Set<String> words(String code) {
    Set<String> words = new HashSet<>();
    for (int at = 0; at < code.length(); at++) {
      if (isWord(code.charAt(at))) {
        int end = endOfWord(code, at);
        boolean isField =
            at > 0 && code.charAt(at - 1) == '.' && (at < 2 || code.charAt(at - 2) != '.');
        if (!isField) {
          words.add(code.substring(at, end));
        }
        at = end;
      }
    }
    return words;
  }

  private static String code(String[] lines) {
    StringBuilder code = new StringBuilder();
    Arrays.stream(lines).forEach(line -> addCode(code, line));
    return code.toString();
  }

  /** Adds an include's code without its constants, which are kept for {@link #addWithLocals}. */
  private static void addShared(StringBuilder out, Map<String, String> constants, String[] lines) {
    for (int n = 0; n < lines.length; n++) {
      String line = lines[n];
      boolean continues = line.startsWith(LOCAL) && line.endsWith("=");
      if (continues && areConstants(line + " " + lines[n + 1].strip(), constants)) {
        n++;
      } else if (!areConstants(line, constants)) {
        addCode(out, line);
      }
    }
  }

  /**
   * Whether the line is {@code local A, B = 1, 2} with numbers only; if so, records the constants.
   */
  private static boolean areConstants(String line, Map<String, String> constants) {
    int is = line.indexOf(" = ");
    if (is < 0 || !line.startsWith(LOCAL)) {
      return false;
    }
    int comment = line.indexOf(" --");
    String[] names = line.substring(LOCAL.length(), is).split(", ", -1);
    String[] values =
        line.substring(is + 3, comment < 0 ? line.length() : comment).strip().split(", ", -1);
    if (names.length != values.length
        || !Arrays.stream(names).allMatch(ScriptLibrary::isConstant)
        || !Arrays.stream(values).allMatch(ScriptLibrary::isNumber)) {
      return false;
    }
    for (int n = 0; n < names.length; n++) {
      String other = constants.put(names[n], values[n]);
      if (other != null && !other.equals(values[n])) {
        throw new IllegalStateException(names[n] + " is " + other + " and " + values[n]);
      }
    }
    return true;
  }

  private static boolean isConstant(String name) {
    return !name.isEmpty()
        && isCapital(name.charAt(0))
        && name.chars().allMatch(c -> isCapital((char) c) || c == '_' || isDigit((char) c));
  }

  private static boolean isNumber(String value) {
    try {
      return Double.isFinite(Double.parseDouble(value));
    } catch (NumberFormatException e) {
      return false;
    }
  }

  /**
   * Replaces constants by their numbers, and globals by local names: Lua would look up each name on
   * each use.
   */
  private static void addWithLocals(
      StringBuilder out, CharSequence lua, Map<String, String> constants) {
    int at = 0;
    while (at < lua.length()) {
      char c = lua.charAt(at);
      int end = at + 1;
      if (c == '\'') {
        end = endOfText(lua, at);
      } else if (isWord(c)) {
        end = endOfWord(lua, at);
        String word = lua.subSequence(at, end).toString();
        if (TABLES.contains(word)) {
          end = endOfWord(lua, Math.min(end + 1, lua.length()));
          word = lua.subSequence(at, end).toString();
        }
        String instead = GLOBALS.contains(word) ? local(word) : constants.get(word);
        if (instead != null && (at == 0 || lua.charAt(at - 1) != '.')) {
          out.append(instead);
          at = end;
        }
      }
      out.append(lua, at, end);
      at = end;
    }
  }

  /**
   * Returns the position after the closing quote, or after the opening one if the line has no
   * other.
   */
  private static int endOfText(CharSequence lua, int begin) {
    for (int at = begin + 1; at < lua.length() && lua.charAt(at) != '\n'; at++) {
      if (lua.charAt(at) == '\'') {
        return at + 1;
      }
    }
    return begin + 1;
  }

  private static int endOfWord(CharSequence lua, int begin) {
    int end = begin;
    while (end < lua.length() && isWord(lua.charAt(end))) {
      end++;
    }
    return end;
  }

  private static boolean isWord(char c) {
    return isCapital(c) || (c >= 'a' && c <= 'z') || isDigit(c) || c == '_';
  }

  private static boolean isCapital(char c) {
    return c >= 'A' && c <= 'Z';
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
