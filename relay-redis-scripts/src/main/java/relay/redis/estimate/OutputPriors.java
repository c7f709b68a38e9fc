package relay.redis.estimate;

import java.util.Locale;
import java.util.regex.Pattern;

/** Estimates for a model without any request yet, by the words in its name. */
public final class OutputPriors {
  private static final Pattern SILENT = Pattern.compile("embed");
  private static final Pattern LONG =
      Pattern.compile("opus|reason|think|deepseek-r|\\bo[1345]\\b|gpt-5|\\bpro\\b|codex");
  private static final Pattern SHORT =
      Pattern.compile("haiku|mini|nano|flash|lite|small|\\b[1-9]b\\b");

  private OutputPriors() {}

  /** The mean output in tokens. */
  public static long of(String model) {
    String name = model.toLowerCase(Locale.ROOT);
    if (SILENT.matcher(name).find()) {
      return 1;
    }
    if (SHORT.matcher(name).find()) {
      return 300;
    }
    return LONG.matcher(name).find() ? 800 : 500;
  }
}
