package relay.pipeline;

import relay.metrics.Meters;

/** What is measured of one request: its names, counts and times. Metrics get it at the end. */
final class RequestRecord {
  private static final String UNKNOWN = "";

  private final String id = RequestIds.next();
  private final long startedNanos = System.nanoTime();
  private final Meters meters;
  private String provider = UNKNOWN;
  private String model = UNKNOWN;
  private String clientName = UNKNOWN;
  private int attempts;
  private long upstreamNanos;
  private boolean ended;

  RequestRecord(Meters meters) {
    this.meters = meters;
    meters.requestStarted();
  }

  String id() {
    return id;
  }

  /** Name of the authenticated client; empty before the authentication. */
  String clientName() {
    return clientName;
  }

  void clientName(String name) {
    clientName = name;
  }

  /** Where the request goes, or went last. */
  void target(String providerName, String modelName) {
    provider = providerName;
    model = modelName;
  }

  /** Attempts at all providers so far. */
  int attempts() {
    return attempts;
  }

  void attempts(int number) {
    attempts = number;
  }

  /** Adds time spent waiting for the provider, which is not Relay's latency. */
  void addUpstreamNanos(long nanos) {
    upstreamNanos += nanos;
  }

  long elapsedNanos() {
    return System.nanoTime() - startedNanos;
  }

  /** Marks the request as ended. False if it already was: then nothing is to be counted. */
  synchronized boolean end() {
    boolean first = !ended;
    ended = true;
    return first;
  }

  /**
   * Counts the request that has ended.
   *
   * @param origin who made the answer: {@code relay} or {@code upstream}
   */
  void count(int status, String origin) {
    try {
      long took = elapsedNanos();
      meters.requestDone(provider, model, status, origin, took, Math.max(0, took - upstreamNanos));
      meters.clients().answered(clientName, status);
    } finally {
      meters.requestEnded();
    }
  }
}
