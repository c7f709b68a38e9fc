package relay.config;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A randomly damaged valid file yields faults or a config, never an exception or a secret. */
@Tag("slow")
final class MutationTest {
  private static final int RUNS = Integer.getInteger("relay.config.mutations", 2000);
  private static final String SPECIAL = "{}[],:#&*!|>'\"%@`-?\n\t $~<=.0\\\0\uFEFF\u0085é\uD83D";

  @Test
  void damaged_files_never_cause_an_exception() throws IOException {
    String whole = Files.readString(ExampleTest.EXAMPLE);
    int valid = 0;
    for (long seed = 0; seed < RUNS; seed++) {
      RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
      String yaml = damage(whole, random);
      try {
        Loaded loaded = Given.load(yaml, ExampleTest.ENVIRONMENT);
        List<String> lines = Given.lines(loaded);
        valid += lines.isEmpty() ? 1 : 0;
        assertFalse(String.join("\n", lines).contains("hunter2"), "a secret shows, seed " + seed);
        assertTrue(
            lines.stream().allMatch(line -> line.matches("relay\\.yaml:\\d+:\\d+: [^;]+: .+; .+")),
            () -> "a malformed line in " + lines);
      } catch (RuntimeException | StackOverflowError e) {
        fail("seed " + seed + ":\n" + yaml, e);
      }
    }
    assertTrue(valid > 0 && valid < RUNS, "damage is either too weak or too strong: " + valid);
  }

  static String damage(String yaml, RandomGenerator random) {
    StringBuilder text = new StringBuilder(yaml);
    for (int edits = random.nextInt(1, 6); edits > 0; edits--) {
      int from = random.nextInt(text.length());
      int to = Math.min(text.length(), from + random.nextInt(1, 40));
      switch (random.nextInt(5)) {
        case 0 -> text.delete(from, to);
        case 1 -> text.insert(random.nextInt(text.length()), text.substring(from, to));
        case 2 -> text.insert(from, SPECIAL.charAt(random.nextInt(SPECIAL.length())));
        case 3 -> text.setCharAt(from, SPECIAL.charAt(random.nextInt(SPECIAL.length())));
        default -> swapLines(text, random);
      }
      if (text.isEmpty()) {
        text.append(yaml);
      }
    }
    return text.toString();
  }

  private static void swapLines(StringBuilder text, RandomGenerator random) {
    String[] lines = text.toString().split("\n", -1);
    int a = random.nextInt(lines.length);
    int b = random.nextInt(lines.length);
    String line = lines[a];
    lines[a] = lines[b];
    lines[b] = line;
    text.replace(0, text.length(), String.join("\n", lines));
  }
}
