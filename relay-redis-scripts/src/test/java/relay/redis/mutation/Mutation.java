package relay.redis.mutation;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import relay.redis.library.ScriptFile;
import relay.redis.library.ScriptLibrary;

/**
 * A fault in the scripts that the suite must notice.
 *
 * @param file of the script, without its extension
 * @param guarantee the guarantee that it breaks
 * @param text the correct text
 * @param instead the faulty text
 */
record Mutation(String name, String file, String guarantee, String text, String instead) {
  private static final String LIST = "mutations.txt";

  /**
   * The list: {@code = name | file | guarantee}, then the removed lines, then the inserted lines.
   */
  static List<Mutation> all() {
    List<Mutation> all = new ArrayList<>();
    for (String block : read(LIST).split("\n\n", -1)) {
      if (block.startsWith("= ")) {
        List<String> lines = block.lines().toList();
        List<String> head = List.of(lines.getFirst().substring(2).split(" \\| ", -1));
        all.add(
            new Mutation(
                head.get(0), head.get(1), head.get(2), part(lines, "-"), part(lines, "+")));
      }
    }
    return all;
  }

  private static String part(List<String> lines, String mark) {
    return String.join(
        "\n",
        lines.stream()
            .skip(1)
            .filter(line -> line.startsWith(mark))
            .map(line -> line.substring(Math.min(2, line.length())))
            .toList());
  }

  /** Occurrences of the text in the script: other than one, the list is outdated. */
  int occurrences() {
    String script = read(file + ".lua");
    int found = 0;
    for (int at = script.indexOf(text); at >= 0; at = script.indexOf(text, at + 1)) {
      found++;
    }
    return found;
  }

  /** Assembles the library with this fault. */
  String library() {
    List<String> scripts =
        Stream.of(ScriptFile.values())
            .map(script -> script.name().toLowerCase(Locale.ROOT))
            .toList();
    return new ScriptLibrary(
            scripts,
            name -> {
              String script = read(name + ".lua");
              return name.equals(file) ? script.replace(text, instead) : script;
            })
        .text;
  }

  private static String read(String name) {
    try (InputStream in = Mutation.class.getResourceAsStream("/relay/redis/" + name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
