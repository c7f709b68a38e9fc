package relay.config;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The wording of fault messages: which input may be shown, and suggestions for typos. */
final class FaultWording {
  private static final int MAX_SHOWN = 200;
  private static final int MAX_WORD = 40;
  private static final int MAX_LISTED = 40;

  private static final Set<String> OF_LITELLM =
      Set.of("model_list", "litellm_settings", "general_settings", "router_settings");

  private static final Pattern WORD = Pattern.compile("(?!sk-)[A-Za-z0-9._:@/+-]{1,40}");

  private FaultWording() {}

  /**
   * Whether a message may show an unknown setting name or keyword. It may be a misplaced
   * credential: texts of more than 40 characters and texts that start with sk- are not shown.
   */
  static boolean mayShow(String word) {
    return WORD.matcher(word).matches();
  }

  /** A file name without control characters, shortened to 200 characters. */
  static String shown(String text) {
    String safe = text.replaceAll("\\p{Cntrl}", "?");
    return safe.length() <= MAX_SHOWN ? safe : safe.substring(0, MAX_SHOWN) + "...";
  }

  /** {@code did you mean x?} if a word is close to the given one, else {@code allowed: a, b, c}. */
  static String allowed(String given, Collection<String> words) {
    if (OF_LITELLM.contains(given)) {
      return "it is a setting of LiteLLM: docs/how-to.md has its counterpart (From LiteLLM)";
    }
    String close = closest(given, words);
    return close == null ? allowed(words) : "did you mean " + close + "?";
  }

  static String allowed(Collection<String> words) {
    if (words.isEmpty()) {
      return "allowed: nothing";
    }
    List<String> some = words.stream().limit(MAX_LISTED).toList();
    return "allowed: " + String.join(", ", some) + (some.size() < words.size() ? ", ..." : "");
  }

  static @Nullable String closest(String given, Collection<String> words) {
    String typed = given.toLowerCase(Locale.ROOT).replace('-', '_');
    if (typed.length() > MAX_WORD) {
      return null;
    }
    String best = null;
    int bestDistance = 3;
    for (String word : words) {
      if (word.length() > MAX_WORD) {
        continue;
      }
      int distance = distance(typed, word.toLowerCase(Locale.ROOT).replace('-', '_'));
      // At most a third of the letters may differ: short words are all close to each other.
      if (distance < bestDistance && distance * 3 <= Math.max(word.length(), 3)) {
        best = word;
        bestDistance = distance;
      }
    }
    return best == null ? begunBy(typed, words) : best;
  }

  /** The only word that goes on after the given one, as {@code drain_ms} does after drain. */
  private static @Nullable String begunBy(String typed, Collection<String> words) {
    List<String> longer =
        words.stream()
            .filter(word -> word.toLowerCase(Locale.ROOT).replace('-', '_').startsWith(typed + "_"))
            .toList();
    return longer.size() == 1 ? longer.getFirst() : null;
  }

  /** Edits between two words: insert, delete, replace, or swap neighbours. */
  private static int distance(String a, String b) {
    int[][] edits = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          edits[i][j] = i + j;
          continue;
        }
        int replaced = edits[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        int least = Math.min(replaced, Math.min(edits[i - 1][j], edits[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          least = Math.min(least, edits[i - 2][j - 2] + 1);
        }
        edits[i][j] = least;
      }
    }
    return edits[a.length()][b.length()];
  }
}
