package relay.pipeline;

import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How long attempts may begin: as long as the client waits. The official SDKs send that in {@code
 * x-stainless-timeout}, in seconds.
 */
final class ClientTimeout {
  private static final Pattern SECONDS = Pattern.compile("\\d{1,6}(\\.\\d{1,9})?");

  private ClientTimeout() {}

  /**
   * The lesser of the client's timeout and a bound.
   *
   * @param stated the header's value; null if there is none
   */
  static Duration of(@Nullable String stated, Duration most) {
    if (stated == null || !SECONDS.matcher(stated).matches()) {
      return most;
    }
    Duration waits = Duration.ofMillis((long) (Double.parseDouble(stated) * 1000));
    return waits.isPositive() && waits.compareTo(most) < 0 ? waits : most;
  }
}
