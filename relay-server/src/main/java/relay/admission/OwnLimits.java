package relay.admission;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.redis.KeyPool;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Allowance;
import relay.redis.model.Dimension;
import relay.redis.model.Limits;

/**
 * A client's own limits, which each of its answers tells in the headers of its dialect. What is
 * left is what it could send now. It comes with the reply to a reservation; an answer without one
 * tells what was said last.
 *
 * @param pool the pool of clients' limits
 * @param client the client's key there
 */
public record OwnLimits(KeyPool pool, String client, Limits limits) {

  /**
   * Adds the header lines.
   *
   * @param denied the limit that refuses this request; null for none
   */
  public void addTo(HeaderLines lines, Dialect dialect, @Nullable Reason denied) {
    new Lines(
            lines, limits, pool.named().allowance(client), denied, Instant.now(), System.nanoTime())
        .add(dialect);
  }

  /** The lines of one answer. */
  record Lines(
      HeaderLines lines,
      Limits limits,
      @Nullable Allowance said,
      @Nullable Reason denied,
      Instant now,
      long nowNanos) {

    void add(Dialect dialect) {
      switch (dialect) {
        case ANTHROPIC -> {
          anthropic("requests", Dimension.REQUESTS);
          anthropic("input-tokens", Dimension.INPUT_TOKENS);
          anthropic("output-tokens", Dimension.OUTPUT_TOKENS);
          anthropic("tokens", Dimension.TOTAL_TOKENS);
        }
        case OPENAI -> {
          openai("requests", Dimension.REQUESTS);
          openai("tokens", tokens());
        }
      }
    }

    private void anthropic(String what, Dimension dimension) {
      if (limits.of(dimension) > 0) {
        String name = "anthropic-ratelimit-" + what;
        Instant full = now.plus(full(dimension)).plusNanos(999_999_999);
        lines.add(name + "-limit", Long.toString(limits.of(dimension)));
        lines.add(name + "-remaining", Long.toString(left(dimension)));
        lines.add(name + "-reset", full.truncatedTo(ChronoUnit.SECONDS).toString());
      }
    }

    private void openai(String what, Dimension dimension) {
      if (limits.of(dimension) > 0) {
        lines.add("x-ratelimit-limit-" + what, Long.toString(limits.of(dimension)));
        lines.add("x-ratelimit-remaining-" + what, Long.toString(left(dimension)));
        lines.add("x-ratelimit-reset-" + what, openai(full(dimension)));
      }
    }

    /** That dialect has one limit of tokens: both together, else the fuller of the two. */
    private Dimension tokens() {
      if (limits.totalTokens() > 0 || limits.inputTokens() == 0) {
        return limits.totalTokens() > 0 ? Dimension.TOTAL_TOKENS : Dimension.OUTPUT_TOKENS;
      }
      double input = (double) left(Dimension.INPUT_TOKENS) / limits.inputTokens();
      double output =
          limits.outputTokens() == 0
              ? Double.MAX_VALUE
              : (double) left(Dimension.OUTPUT_TOKENS) / limits.outputTokens();
      return input <= output ? Dimension.INPUT_TOKENS : Dimension.OUTPUT_TOKENS;
    }

    private long left(Dimension dimension) {
      if (denied == Reason.of(dimension)) {
        return 0; // a smaller request may fit
      }
      return said == null || isFull(said, dimension) ? idle(dimension) : said.of(dimension).left();
    }

    /** What an idle client may send at once: half of its requests, by the engine's pacer. */
    private long idle(Dimension dimension) {
      long limit = limits.of(dimension);
      return dimension == Dimension.REQUESTS
          ? Math.min(limit, Math.max(2, (limit + 1) / 2))
          : limit;
    }

    private Duration full(Dimension dimension) {
      return said == null || isFull(said, dimension)
          ? Duration.ZERO
          : said.of(dimension).full().minusNanos(nowNanos - said.saidNanos());
    }

    private boolean isFull(Allowance known, Dimension dimension) {
      return nowNanos - known.saidNanos() >= known.of(dimension).full().toNanos();
    }

    /** As that API writes a duration: {@code 20ms}, {@code 1.5s}, {@code 6m0s}. */
    static String openai(Duration duration) {
      long millis = duration.plusNanos(999_999).toMillis();
      if (millis < 1000) {
        return millis == 0 ? "0s" : millis + "ms";
      }
      StringBuilder text = new StringBuilder();
      if (millis >= 3_600_000) {
        text.append(millis / 3_600_000).append('h');
      }
      if (millis >= 60_000) {
        text.append(millis / 60_000 % 60).append('m');
      }
      text.append(millis / 1000 % 60);
      if (millis % 1000 > 0) {
        String digits = Long.toString(1000 + millis % 1000).substring(1);
        text.append('.').append(digits.replaceAll("0+$", ""));
      }
      return text.append('s').toString();
    }
  }
}
