package relay.upstream;

import java.util.Locale;
import java.util.function.Consumer;
import relay.model.HeaderLines;
import relay.redis.model.Limits;
import relay.redis.model.Refill;
import relay.redis.model.Remaining;

/**
 * The account's limits according to an answer's headers. Sources: Anthropic's and OpenAI's
 * documentation of their rate limit headers.
 *
 * <ul>
 *   <li>{@code anthropic-ratelimit-tokens-*} gives the tighter of input and output, so it counts as
 *       a total only if those two are absent; {@code anthropic-priority-*} is a separate quota and
 *       is ignored.
 *   <li>Anthropic rounds {@code remaining} tokens to 1,000. Relay assumes the largest value that
 *       rounds to it: remaining only ever tightens the limit, and a rounding must not.
 *   <li>A limit counts only if it is a whole number from 1 to 10^12: OpenAI sends -1 or 0 for none.
 *       A limit given twice with different values is ignored. Remaining counts only together with
 *       its limit, and is capped by it.
 * </ul>
 *
 * <p>Resets are not read here: they give the time of a full refill and matter only after a refusal
 * ({@link RetryTime}), or if the remainder is news ({@link RefillTimes}).
 *
 * @param limits 0 = absent
 */
public record RateLimitHeaders(Limits limits, Remaining remaining) {
  private static final String ANTHROPIC = "anthropic-ratelimit-";
  private static final String OPENAI = "x-ratelimit-";
  private static final int ROUNDED_TO = 1_000;
  private static final RateLimitHeaders NOTHING =
      new RateLimitHeaders(Limits.UNKNOWN, Remaining.NONE);

  /** Reads the header lines passed to a visitor; never throws, whatever they contain. */
  public static RateLimitHeaders read(Consumer<HeaderLines.Visitor> lines) {
    Stated stated = new Stated();
    lines.accept(stated);
    return stated.any ? stated.result() : NOTHING;
  }

  /** When the limits are full again; never throws. It costs more, and is seldom needed. */
  public static Refill refill(Consumer<HeaderLines.Visitor> lines) {
    return RefillTimes.read(lines);
  }

  /** Without what they say of requests: for a provider whose limit of those is not one a minute. */
  public RateLimitHeaders withoutRequests() {
    return new RateLimitHeaders(
        new Limits(0, limits.inputTokens(), limits.outputTokens(), limits.totalTokens()),
        new Remaining(
            Remaining.NOT_STATED,
            remaining.inputTokens(),
            remaining.outputTokens(),
            remaining.totalTokens()));
  }

  /**
   * The values so far, by dimension. Anthropic's headers take precedence if a gateway adds
   * OpenAI's.
   */
  private static final class Stated implements HeaderLines.Visitor {
    // the order of the Limits components
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

    /** The largest value that rounds to the given one; 0 is exact. */
    private static long mostMeant(long left) {
      return left > 0 && left % ROUNDED_TO == 0 ? left + ROUNDED_TO / 2 : left;
    }
  }
}
