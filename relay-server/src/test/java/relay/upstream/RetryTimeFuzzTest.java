package relay.upstream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import relay.Seeds;

/** Random values of time headers are parsed or ignored. */
class RetryTimeFuzzTest {
  private static final String[] REAL = {
    "30",
    "0.5",
    "1500",
    "6m0s",
    "20ms",
    "16m17.764s",
    "1h2m3s",
    "Wed, 21 Oct 2026 07:28:00 GMT",
    "2026-10-21T07:28:00Z",
    "-1",
    "1e9",
    "9999999",
    "99999h",
    "0"
  };
  private static final String LIKELY = "0123456789.hms-:TZ, GMT+eE\u0000\u00e9";

  private final Seeds seeds = new Seeds();

  @Test
  void no_value_throws_or_gives_a_negative_wait() {
    Instant now = Instant.parse("2026-10-21T07:27:00Z");
    for (int n = 0; n < seeds.tries(100_000); n++) {
      Random random = seeds.random(n);
      byte[] real = REAL[random.nextInt(REAL.length)].getBytes(ISO_8859_1);
      String value = new String(Seeds.mutated(real, random, LIKELY), ISO_8859_1);
      try {
        isNotNegative(RetryTime.milliseconds(value), n);
        isNotNegative(RetryTime.span(value), n);
        RetryTime.retryAfter(value, now); // a date may be in the past: of() handles that
      } catch (RuntimeException e) {
        throw new AssertionError(seeds.replay(n) + " " + value, e);
      }
    }
  }

  private void isNotNegative(@Nullable Duration wait, int n) {
    assertFalse(wait != null && wait.isNegative(), seeds.replay(n));
  }
}
