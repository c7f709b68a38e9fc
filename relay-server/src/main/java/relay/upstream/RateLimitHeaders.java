package relay.upstream;

import java.util.Locale;
import java.util.function.Consumer;
import relay.model.HeaderLines;
import relay.redis.Limits;
import relay.redis.Remaining;

/**
 * What an answer's headers say of the limits of the account that it went to. Sources: Anthropic's
 * and OpenAI's documentation of their rate limit headers.
 *
 * <ul>
 *   <li>{@code anthropic-ratelimit-tokens-*} is the tighter one of input and output, so it is a
 *       total only where those two are not stated; {@code anthropic-priority-*} is another quota.
 *   <li>{@code remaining} of Anthropic's tokens is rounded to 1,000, and is taken for the most that
 *       it can stand for: what is left is only ever used to become more careful, and a rounding is
 *       no reason to.
 *   <li>A limit that is no whole number from 1 to 10^12 is not stated: OpenAI says -1 or 0 where it
 *       has none. Nor is one that is stated twice, with different values. What remains counts only
 *       beside its limit, and never as more than that.
 * </ul>
 *
 * <p>The resets are not read here: they tell of a full refill, and matter after a refusal only.
 *
 * @param limits 0 where nothing was said
 */
public record RateLimitHeaders(Limits limits, Remaining remaining) {
  private static final String ANTHROPIC = "anthropic-ratelimit-";
  private static final String OPENAI = "x-ratelimit-";
  private static final int ROUNDED_TO = 1_000;
  private static final RateLimitHeaders NOTHING =
      new RateLimitHeaders(Limits.UNKNOWN, Remaining.NONE);

  /** Reads the header lines that are shown to a visitor; never throws for what they contain. */
  public static RateLimitHeaders read(Consumer<HeaderLines.Visitor> lines) {
    Stated stated = new Stated();
    lines.accept(stated);
    return stated.any ? stated.result() : NOTHING;
  }

  /**
   * What was stated so far, by dimension; anthropic's before openai's where a gateway adds those.
   */
  private static final class Stated implements HeaderLines.Visitor {
    // in the order in which limits state them
    private static final int REQUESTS = 0;
    private static final int INPUT = 1;
    private static final int OUTPUT = 2;
    private static final int TOTAL = 3;
    private static final int DIMENSIONS = 4;

    private static final long ABSENT = -1;
    private static final long CONTRADICTED = -2;

    private final long[] anthropicLimit = absent();
    private final long[] anthropicLeft = absent();
    private final long[] openAiLimit = absent();
    private final long[] openAiLeft = absent();
    private boolean any;

    private static long[] absent() {
      return new long[] {ABSENT, ABSENT, ABSENT, ABSENT};
    }

    @Override
    public void line(String name, String value) {
      if (starts(name, ANTHROPIC)) {
        anthropic(name.substring(ANTHROPIC.length()).toLowerCase(Locale.ROOT), value);
      } else if (starts(name, OPENAI)) {
        openAi(name.substring(OPENAI.length()).toLowerCase(Locale.ROOT), value);
      }
    }

    private static boolean starts(String name, String prefix) {
      return name.regionMatches(true, 0, prefix, 0, prefix.length());
    }

    private void anthropic(String rest, String value) {
      switch (rest) {
        case "requests-limit" -> put(anthropicLimit, REQUESTS, value);
        case "requests-remaining" -> put(anthropicLeft, REQUESTS, value);
        case "input-tokens-limit" -> put(anthropicLimit, INPUT, value);
        case "input-tokens-remaining" -> put(anthropicLeft, INPUT, value);
        case "output-tokens-limit" -> put(anthropicLimit, OUTPUT, value);
        case "output-tokens-remaining" -> put(anthropicLeft, OUTPUT, value);
        case "tokens-limit" -> put(anthropicLimit, TOTAL, value);
        case "tokens-remaining" -> put(anthropicLeft, TOTAL, value);
        default -> {}
      }
    }

    private void openAi(String rest, String value) {
      switch (rest) {
        case "limit-requests" -> put(openAiLimit, REQUESTS, value);
        case "remaining-requests" -> put(openAiLeft, REQUESTS, value);
        case "limit-tokens" -> put(openAiLimit, TOTAL, value);
        case "remaining-tokens" -> put(openAiLeft, TOTAL, value);
        default -> {}
      }
    }

    private void put(long[] into, int dimension, String value) {
      long number = number(value.strip());
      into[dimension] =
          into[dimension] == ABSENT || into[dimension] == number ? number : CONTRADICTED;
      any = true;
    }

    /** A whole number up to the engine's largest limit, or {@link #ABSENT}. */
    private static long number(String digits) {
      if (digits.isEmpty() || digits.length() > 13) {
        return ABSENT;
      }
      long number = 0;
      for (int n = 0; n < digits.length(); n++) {
        char c = digits.charAt(n);
        if (c < '0' || c > '9') {
          return ABSENT;
        }
        number = number * 10 + (c - '0');
      }
      return number <= Limits.MAX ? number : ABSENT;
    }

    private RateLimitHeaders result() {
      if (anthropicLimit[INPUT] != ABSENT || anthropicLimit[OUTPUT] != ABSENT) {
        anthropicLimit[TOTAL] = ABSENT;
      }
      boolean anthropic = false;
      for (int d = 0; d < DIMENSIONS; d++) {
        anthropic |= anthropicLimit[d] > 0;
      }
      long[] limit = anthropic ? anthropicLimit : openAiLimit;
      long[] left = anthropic ? anthropicLeft : openAiLeft;
      for (int d = 0; d < DIMENSIONS; d++) {
        limit[d] = Math.max(0, limit[d]);
        if (limit[d] == 0 || left[d] < 0) {
          left[d] = Remaining.NOT_STATED;
        } else {
          boolean rounded = anthropic && d != REQUESTS;
          left[d] = Math.min(limit[d], rounded ? mostMeant(left[d]) : left[d]);
        }
      }
      return new RateLimitHeaders(
          new Limits(limit[0], limit[1], limit[2], limit[3]),
          new Remaining(left[0], left[1], left[2], left[3]));
    }

    /** None left is meant as it is said. */
    private static long mostMeant(long left) {
      return left > 0 && left % ROUNDED_TO == 0 ? left + ROUNDED_TO / 2 : left;
    }
  }
}
