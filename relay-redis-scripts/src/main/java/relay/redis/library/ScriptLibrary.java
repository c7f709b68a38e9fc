package relay.redis.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * The function library for Redis: every script as a function, and each module once. The build
 * assembles it into the jar, because assembly takes 40 ms at start.
 *
 * <p>A module is a file in a folder, such as {@code state/pool}. Its functions are in one table
 * that is named like the file; its local names are its own. A line {@code -- @uses state/pool,
 * state/key} names the modules that a script or a module refers to. Constants that are numbers are
 * replaced by them, in the file that declares them and in those that use it.
 */
public final class ScriptLibrary {
  /** The start of the first line; the library's name follows. */
  static final String NAME_LINE = "#!lua name=";

  private static final String USES = "-- @uses ";
  private static final String LOCAL = "local ";
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

  private static final String BEGIN =
      """
      local function globals() return %s end
      local %s
      local function bind() %2$s = globals() end
      """
          .formatted(String.join(", ", GLOBALS), String.join(", ", locals()));

  private static final String BIND = "if not redis_call then bind() end\n";

  /** The library's name contains its digest, so replicas of two versions can share one Redis. */
  final String name;

  public final String text;

  /**
   * @param scripts the scripts' names, which are also their functions' names
   * @param read returns the text of a script or a module
   */
  public ScriptLibrary(Collection<String> scripts, UnaryOperator<String> read) {
    Map<String, Source> modules = new LinkedHashMap<>(); // one comes after those that it uses
    List<Source> sources = new ArrayList<>();
    for (String script : scripts) {
      sources.add(source(script, modules, read));
    }
    StringBuilder code = new StringBuilder(1 << 17).append(BEGIN);
    for (Source module : modules.values()) {
      String table = LOCAL + table(module.name) + " = {}";
      StringBuilder block = new StringBuilder();
      Set<String> bound = new TreeSet<>();
      addCode(block, module, table, bound);
      code.append(table).append("\ndo\n").append(bindings(bound)).append(block).append("end\n");
    }
    int functions = code.length();
    for (Source script : sources) {
      StringBuilder block = new StringBuilder();
      Set<String> bound = new TreeSet<>();
      addCode(block, script, "", bound);
      code.append("do\n").append(bindings(bound));
      code.append(REGISTER).append('_').append(script.name).append("', function(KEYS, ARGV)\n");
      code.append(BIND).append(block).append("end)\nend\n");
    }
    name = "relay_" + Digests.hex("SHA-256", code.toString()).substring(0, 12);
    text =
        NAME_LINE
            + name
            + "\n"
            + code.substring(0, functions)
            + code.substring(functions).replace(REGISTER, REGISTER + name);
  }

  /**
   * A file.
   *
   * @param tables those of the modules that it uses
   * @param own its constants
   * @param visible those and the constants of the modules that it uses
   */
  private record Source(
      String name,
      List<String> lines,
      Set<String> tables,
      Map<String, String> own,
      Map<String, String> visible) {}

  private static String table(String module) {
    return module.substring(module.lastIndexOf('/') + 1);
  }

  /** Makes functions of other modules local to a file: otherwise Lua looks each up in a table. */
  private static String bindings(Set<String> bound) {
    StringBuilder bindings = new StringBuilder();
    for (String member : bound) {
      bindings.append(LOCAL).append(local(member)).append(" = ").append(member).append('\n');
    }
    return bindings.toString();
  }

  /** Reads a file, and before it the modules that it uses and that were not read. */
  private static Source source(
      String name, Map<String, Source> modules, UnaryOperator<String> read) {
    List<String> lines = read.apply(name).lines().toList();
    Map<String, String> visible = new HashMap<>();
    for (String used : uses(lines)) {
      Source module = modules.get(used);
      if (module == null) {
        module = source(used, modules, read);
        modules.put(used, module);
      }
      module.own.forEach(
          (constant, value) -> {
            String other = visible.put(constant, value);
            if (other != null && !other.equals(value)) {
              throw new IllegalStateException(
                  name + " uses two modules with " + constant + ": " + other + ", " + value);
            }
          });
    }
    Map<String, String> own = constants(lines);
    visible.putAll(own);
    Set<String> tables =
        uses(lines).stream().map(ScriptLibrary::table).collect(Collectors.toUnmodifiableSet());
    return new Source(name, lines, tables, own, visible);
  }

  /** The modules that a file names. */
  static List<String> uses(List<String> lines) {
    return lines.stream()
        .filter(line -> line.startsWith(USES))
        .flatMap(line -> Arrays.stream(line.substring(USES.length()).split(", ", -1)))
        .toList();
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

  /** Drops comments, empty lines, constants and one line: Redis would store them. */
  private static void addCode(StringBuilder out, Source source, String without, Set<String> bound) {
    List<String> lines = source.lines;
    for (int n = 0; n < lines.size(); n++) {
      String line = lines.get(n);
      int constantLines = constantsAt(lines, n, new HashMap<>());
      if (constantLines > 0) {
        n += constantLines - 1;
      } else if (!line.isEmpty()
          && !line.stripLeading().startsWith("--")
          && !line.equals(without)) {
        addWithLocals(out, line, source, bound);
        out.append('\n');
      }
    }
  }

  private static Map<String, String> constants(List<String> lines) {
    Map<String, String> constants = new HashMap<>();
    for (int n = 0; n < lines.size(); n++) {
      constantsAt(lines, n, constants);
    }
    return constants;
  }

  /**
   * Adds the constants of a declaration {@code local A, B = 1, 2} with numbers only, on one line or
   * two.
   *
   * @return lines of the declaration; 0 if there is none
   */
  private static int constantsAt(List<String> lines, int at, Map<String, String> constants) {
    boolean continues = lines.get(at).endsWith("=") && at + 1 < lines.size();
    String line = continues ? lines.get(at) + " " + lines.get(at + 1).strip() : lines.get(at);
    int is = line.indexOf(" = ");
    if (is < 0 || !line.startsWith(LOCAL)) {
      return 0;
    }
    int comment = line.indexOf(" --");
    String[] names = line.substring(LOCAL.length(), is).split(", ", -1);
    String[] values =
        line.substring(is + 3, comment < 0 ? line.length() : comment).strip().split(", ", -1);
    if (names.length != values.length
        || !Arrays.stream(names).allMatch(ScriptLibrary::isConstant)
        || !Arrays.stream(values).allMatch(ScriptLibrary::isNumber)) {
      return 0;
    }
    for (int n = 0; n < names.length; n++) {
      constants.put(names[n], values[n]);
    }
    return continues ? 2 : 1;
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
      StringBuilder out, CharSequence lua, Source source, Set<String> bound) {
    int at = 0;
    while (at < lua.length()) {
      char c = lua.charAt(at);
      int end = at + 1;
      if (c == '\'') {
        end = endOfText(lua, at);
      } else if (isWord(c)) {
        end = endOfWord(lua, at);
        String word = lua.subSequence(at, end).toString();
        boolean isField = at > 0 && lua.charAt(at - 1) == '.';
        boolean isModule = !isField && source.tables.contains(word) && isAt(lua, end, '.');
        if (isModule || TABLES.contains(word)) {
          end = endOfWord(lua, Math.min(end + 1, lua.length()));
          word = lua.subSequence(at, end).toString();
        }
        if (isModule) {
          bound.add(word);
        }
        boolean becomesLocal = isModule || GLOBALS.contains(word);
        String instead = becomesLocal ? local(word) : source.visible.get(word);
        if (instead != null && !isField) {
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

  private static boolean isAt(CharSequence lua, int at, char c) {
    return at < lua.length() && lua.charAt(at) == c;
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
