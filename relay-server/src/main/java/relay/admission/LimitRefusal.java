package relay.admission;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.stream.DecodingTap;
import relay.upstream.ProviderReply;
import relay.upstream.RetryTime;

/**
 * The kinds of 429, distinguished by the error text. The codes are the providers' own and occur in
 * no other error.
 */
sealed interface LimitRefusal {
  /** Most bytes of a decoded body. Refusals are shorter. */
  int MOST_BYTES = 64 * 1024;

  /**
   * The limit of a quota group is used up.
   *
   * @param retryAfter zero if the provider does not say
   */
  record Rate(Duration retryAfter) implements LimitRefusal {}

  /**
   * The account's usage grows too fast, below its limits (anthropic). The reset headers describe
   * the limits, so they do not apply.
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

  /**
   * Another quota than the account's own is used up: that of the fast mode (anthropic), or of a
   * service tier.
   *
   * @param name empty for the one that the request named
   * @param retryAfter zero if the provider does not say
   */
  record OtherQuota(String name, Duration retryAfter) implements LimitRefusal {}

  /** The account's prepaid quota is used up (openai). */
  record Quota() implements LimitRefusal {}

  /**
   * Requests of this size are refused, smaller ones are not: long contexts (anthropic), or more
   * than a whole limit (openai).
   *
   * @param retryAfter zero if the provider does not say
   */
  record LargeRequest(Duration retryAfter) implements LimitRefusal {}

  /** Too many requests at once, and the provider states no time. */
  record Concurrency() implements LimitRefusal {}

  /** The label in metrics. */
  default String kind() {
    return switch (this) {
      case Rate _ -> "rate";
      case Acceleration _ -> "acceleration";
      case Spend _ -> "spend";
      case Quota _ -> "quota";
      case OtherQuota _ -> "other_quota";
      case LargeRequest _ -> "large_request";
      case Concurrency _ -> "concurrency";
    };
  }

  /**
   * @param text its {@link #words}
   * @param namesTier whether the request named a tier that may be refused alone
   */
  static LimitRefusal of(ProviderReply answer, String text, Instant now, boolean namesTier) {
    if (text.contains("\"enforced_spend_limit_reached\"")) {
      return new Spend(nextMonth(now));
    }
    if (text.contains("\"insufficient_quota\"")) {
      return new Quota();
    }
    String other = namesTier ? "" : Words.otherQuota(answer, text);
    if (other != null) {
      return new OtherQuota(other, RetryTime.stated(answer, now)); // the resets are of the own one
    }
    if (Words.LARGE.matcher(text).find()) {
      return new LargeRequest(RetryTime.stated(answer, now));
    }
    if (Words.CONCURRENCY.matcher(text).find() && RetryTime.of(answer, now).isZero()) {
      return new Concurrency();
    }
    return Words.ACCELERATION.matcher(text).find()
        ? new Acceleration(RetryTime.stated(answer, now))
        : new Rate(RetryTime.of(answer, now));
  }

  /**
   * Whether a 400 says that the account, or its workspace, may spend no more (anthropic). A 402
   * always does.
   */
  static boolean isSpendLimit(ProviderReply answer, int bytes) {
    return Words.SPEND_LIMIT
        .matcher(words(answer.header("content-encoding"), answer.peekAtMost(bytes)))
        .find();
  }

  /**
   * The start of a refusal's text, decoded if the client had asked for an encoding. A truncated
   * body is decoded as far as possible.
   */
  static String words(@Nullable String encoding, byte[] body) {
    ByteArrayOutputStream plain = new ByteArrayOutputStream();
    DecodingTap.Reader beginning =
        (buf, off, len) -> plain.write(buf, off, Math.min(len, MOST_BYTES - plain.size()));
    try (DecodingTap tap = DecodingTap.of(encoding, beginning)) {
      if (tap == null) {
        beginning.feed(body, 0, body.length);
      } else {
        tap.feed(body, 0, body.length);
      }
    }
    return plain.toString(StandardCharsets.UTF_8);
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

  /** Patterns of error texts. */
  final class Words {
    private static final Pattern ACCELERATION =
        Pattern.compile("acceleration|usage increase rate", Pattern.CASE_INSENSITIVE);

    private static final Pattern LARGE =
        Pattern.compile("\\blong[ -]context|\\brequest too large\\b", Pattern.CASE_INSENSITIVE);

    private static final Pattern CONCURRENCY =
        Pattern.compile(
            "\\bconcurren(?:t|cy)\\b|\\bsimultaneous|\\bparallel requests|\\bin[ -]flight\\b",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern SPEND_LIMIT =
        Pattern.compile(
            "\"message\"\\s*:\\s*\"you have reached your specified (workspace )?API usage limits",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern FAST =
        Pattern.compile("\\bfast[ -]mode\\b", Pattern.CASE_INSENSITIVE);
    private static final Pattern TIER =
        Pattern.compile("\\b(priority|flex) (?:tier|processing)\\b", Pattern.CASE_INSENSITIVE);

    /** The other quota that a refusal names; null if it names none. */
    private static @Nullable String otherQuota(ProviderReply answer, String text) {
      boolean[] fast = {FAST.matcher(text).find()};
      answer.forEachHeader(
          (name, value) -> fast[0] |= name.regionMatches(true, 0, "anthropic-fast-", 0, 15));
      Matcher tier = TIER.matcher(text);
      return fast[0] ? "fast" : tier.find() ? tier.group(1).toLowerCase(Locale.ROOT) : null;
    }

    private Words() {}
  }
}
