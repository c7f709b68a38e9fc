package relay.redis.library;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A function in a Lua file.
 *
 * @param line its first line, from 1
 * @param lines from its first line to its {@code end}
 */
record LuaFunction(String name, int line, int lines, int parameters) {
  /** Comments and texts, which may hold any word; line ends; what begins a block; what ends one. */
  private static final Pattern TOKEN =
      Pattern.compile(
          "--[^\n"
              + "]*|'(?:\\\\.|[^'\\\\\n"
              + "])*'|\"(?:\\\\.|[^\"\\\\\n"
              + "])*\"|(\n"
              + ")|\\bfunction\\b\\s*([\\w.:]*)\\s*\\(([^)]*)\\)|\\b(if|do|repeat)\\b|\\b(end|until)\\b");

  private static final LuaFunction OTHER_BLOCK = new LuaFunction("", 0, 0, 0);

  static List<LuaFunction> in(String lua) {
    List<LuaFunction> functions = new ArrayList<>();
    Deque<LuaFunction> open = new ArrayDeque<>();
    int line = 1;
    Matcher token = TOKEN.matcher(lua);
    while (token.find()) {
      if (token.group(1) != null) {
        line++;
      } else if (token.group(2) != null) {
        String parameters = token.group(3).strip();
        int count = parameters.isEmpty() ? 0 : parameters.split(",", -1).length;
        open.push(new LuaFunction(token.group(2), line, 0, count));
      } else if (token.group(4) != null) {
        open.push(OTHER_BLOCK);
      } else if (token.group(5) != null) {
        LuaFunction ended = open.pop();
        if (ended.line > 0) {
          functions.add(ended.endingAt(line));
        }
      }
    }
    if (!open.isEmpty()) {
      throw new IllegalArgumentException("a block has no end");
    }
    return functions;
  }

  private LuaFunction endingAt(int last) {
    return new LuaFunction(name, line, last - line + 1, parameters);
  }
}
