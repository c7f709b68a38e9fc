package relay;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import relay.redis.model.EngineOptions;

/**
 * Times of a replica that are no settings. Tests of whole processes shorten them by the system
 * property {@code relay.timings}, for instance {@code lease=2000,probe=500}, in milliseconds.
 *
 * @param lease time to a lease's deadline
 * @param probe before the first probe of a quarantined key
 * @param patience with a client that neither sends nor reads
 * @param background how long the lease of a background response is held without a sign of it
 * @param ping between pings of a provider's HTTP/2 connection; one without an answer when the next
 *     is due is closed
 */
record Timings(
    Duration lease, Duration probe, Duration patience, Duration background, Duration ping) {

  /** Those of this process. */
  static Timings ofProcess() {
    return of(System.getProperty("relay.timings", ""));
  }

  /** Those of a text; what it does not name is as usual. */
  static Timings of(String text) {
    Map<String, Duration> stated = new HashMap<>();
    for (String each : text.isEmpty() ? new String[0] : text.split(",", -1)) {
      String[] pair = each.split("=", 2);
      if (pair.length < 2) {
        throw new IllegalArgumentException("relay.timings has " + each + "; write NAME=MILLIS");
      }
      stated.put(pair[0], Duration.ofMillis(Long.parseLong(pair[1])));
    }
    Timings timings =
        new Timings(
            take(stated, "lease", EngineOptions.DEFAULT_LEASE),
            take(stated, "probe", Duration.ofSeconds(10)),
            take(stated, "patience", Duration.ofSeconds(30)),
            take(stated, "background", Duration.ofMinutes(10)),
            take(stated, "ping", Duration.ofSeconds(7)));
    if (!stated.isEmpty()) {
      throw new IllegalArgumentException("relay.timings has no " + stated.keySet());
    }
    return timings;
  }

  private static Duration take(Map<String, Duration> stated, String name, Duration usual) {
    Duration own = stated.remove(name);
    return own == null ? usual : own;
  }
}
