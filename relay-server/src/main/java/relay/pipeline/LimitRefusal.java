package relay.pipeline;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;
import relay.upstream.RetryTime;
import relay.upstream.UpstreamAnswer;

/**
 * The kinds of 429 that providers give, told apart by the words of their errors. The codes are the
 * providers' own; nothing else in an error contains them.
 */
sealed interface LimitRefusal {
  /** Of an unpacked body; no refusal is as long. */
  int MOST_BYTES = 64 * 1024;

  /**
   * The limit of a quota group is used up.
   *
   * @param retryAfter zero if the provider does not say
   */
  record Rate(Duration retryAfter) implements LimitRefusal {}

  /**
   * The account's use grows too fast, though its limits are not reached (anthropic). The reset
   * headers tell of the limits, so they say nothing here.
   *
   * @param retryAfter zero if the provider does not say
   */
  record Acceleration(Duration retryAfter) implements LimitRefusal {}

  /**
   * The account's spend limit of this month is reached (anthropic).
   *
   * @param until the 1st of the next month, 00:00 UTC
   */
  record Spend(Instant until) implements LimitRefusal {}

  /** The account's quota is used up, until someone pays (openai). */
  record Quota() implements LimitRefusal {}

  /** For metrics. */
  default String kind() {
    return switch (this) {
      case Rate _ -> "rate";
      case Acceleration _ -> "acceleration";
      case Spend _ -> "spend";
      case Quota _ -> "quota";
    };
  }

  static LimitRefusal of(UpstreamAnswer answer, byte[] body, Instant now) {
    String text =
        new String(unpacked(answer.header("content-encoding"), body), StandardCharsets.UTF_8);
    if (text.contains("\"enforced_spend_limit_reached\"")) {
      return new Spend(nextMonth(now));
    }
    if (text.contains("\"insufficient_quota\"")) {
      return new Quota();
    }
    return Words.ACCELERATION.matcher(text).find()
        ? new Acceleration(RetryTime.stated(answer, now))
        : new Rate(RetryTime.of(answer, now));
  }

  /** The client may have asked for it packed; what cannot be unpacked has no words. */
  private static byte[] unpacked(@Nullable String encoding, byte[] body) {
    InputStream bytes = new ByteArrayInputStream(body);
    try (InputStream plain =
        switch (encoding == null ? "" : encoding.strip().toLowerCase(Locale.ROOT)) {
          case "gzip", "x-gzip" -> new GZIPInputStream(bytes);
          case "deflate" -> new InflaterInputStream(bytes);
          default -> bytes;
        }) {
      return plain.readNBytes(MOST_BYTES);
    } catch (IOException e) {
      return new byte[0];
    }
  }

  /** The 1st of the month after this one, 00:00 UTC. */
  static Instant nextMonth(Instant now) {
    return now.atZone(ZoneOffset.UTC)
        .toLocalDate()
        .withDayOfMonth(1)
        .plusMonths(1)
        .atStartOfDay(ZoneOffset.UTC)
        .toInstant();
  }

  /** What the providers write. */
  final class Words {
    private static final Pattern ACCELERATION =
        Pattern.compile("acceleration|usage increase rate", Pattern.CASE_INSENSITIVE);

    private Words() {}
  }
}
