package relay.admission;

import org.jspecify.annotations.Nullable;
import relay.logging.RequestLine;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.model.TokenUsage;
import relay.trace.RequestTrace;

/**
 * What is measured of one request: its names, counts and times. Metrics and the log get it at the
 * end.
 */
public final class RequestRecord {
  private static final String UNKNOWN = "";

  private final String id;
  private final long startedNanos = System.nanoTime();
  private final Meters meters;
  private final RequestLog log;
  private @Nullable RequestTrace trace;
  private String provider = UNKNOWN;
  private String model = UNKNOWN;
  private String clientName = UNKNOWN;
  private String key = UNKNOWN;
  private String call = UNKNOWN; // about leases
  private String lease = UNKNOWN;
  private int attempts;
  private String broken = "";
  private long inputTokens;
  private long outputTokens;
  private long waitNanos;
  private long firstByteNanos;
  private long upstreamNanos;
  private boolean ended;

  public RequestRecord(String id, Meters meters, RequestLog log) {
    this.id = id;
    this.meters = meters;
    this.log = log;
    meters.requestStarted();
  }

  public String id() {
    return id;
  }

  public Meters meters() {
    return meters;
  }

  /** Null without tracing. */
  public @Nullable RequestTrace trace() {
    return trace;
  }

  /** Ends this trace with the request. */
  public void traceBy(RequestTrace ofRequest) {
    trace = ofRequest;
  }

  /** Name of the authenticated client; empty before the authentication. */
  public String clientName() {
    return clientName;
  }

  public void clientName(String name) {
    clientName = name;
  }

  /** Where the request goes, or went last. */
  public void target(String providerName, String modelName) {
    provider = providerName;
    model = modelName;
  }

  /**
   * It is a call about leases: other metrics count it than those of requests.
   *
   * @param name what it does, in one word
   * @param ofLease the first letters of the lease's id; empty if it has none yet
   */
  public void leaseCall(String name, String ofLease) {
    call = name;
    lease = ofLease;
  }

  /** The key of the lease that a call is about: Relay sends nothing. */
  public void leaseOf(String withKey) {
    attempt(0, withKey);
  }

  /** Attempts at all providers so far. */
  public int attempts() {
    return attempts;
  }

  /** An attempt begins, the number-th, with this key. */
  public void attempt(int number, String withKey) {
    attempts = number;
    key = withKey;
  }

  /** Adds time until a reservation was granted or refused. */
  public void addWaitNanos(long nanos) {
    waitNanos += nanos;
  }

  /** The head of a provider's answer has arrived. */
  public void answered() {
    firstByteNanos = elapsedNanos();
  }

  /** What the provider reported. */
  public void tokens(TokenUsage usage) {
    inputTokens = usage.inputTokens() + usage.cacheReadTokens() + usage.cacheCreationTokens();
    outputTokens = usage.outputTokens();
  }

  /** The answer has begun, and is not completed. */
  public void broken(String why) {
    broken = why;
  }

  /** What the limits were charged for an answer whose end, and so its usage, is not known. */
  public void charged(long input, long output) {
    inputTokens = input;
    outputTokens = output;
  }

  /** Adds time spent waiting for the provider, which is not Relay's latency. */
  public void addUpstreamNanos(long nanos) {
    upstreamNanos += nanos;
  }

  public long elapsedNanos() {
    return System.nanoTime() - startedNanos;
  }

  /** Marks the request as ended. False if it already was: then nothing is to be counted. */
  public synchronized boolean end() {
    boolean first = !ended;
    ended = true;
    return first;
  }

  /**
   * Counts and logs the request that has ended.
   *
   * @param origin who made the answer: {@code relay} or {@code upstream}
   */
  public void count(int status, String origin) {
    try {
      long took = elapsedNanos();
      countAs(status, origin, took);
      if (firstByteNanos > 0) {
        meters.served(firstByteNanos, took);
      }
      if (log.takes(status)) {
        log.write(line(status, origin, took));
      }
      if (trace != null) {
        if (!lease.isEmpty()) {
          trace.ofLease(lease);
        }
        trace.end(status, origin, clientName, attempts);
      }
    } finally {
      meters.requestEnded();
    }
  }

  private void countAs(int status, String origin, long took) {
    if (!call.isEmpty()) {
      meters.leases().answered(call, status, took);
      return;
    }
    meters.requestDone(provider, model, status, origin, took, Math.max(0, took - upstreamNanos));
    meters.clients().answered(clientName, status);
  }

  private RequestLine line(int status, String origin, long nanos) {
    return new RequestLine(
        id,
        clientName,
        provider,
        key,
        model,
        call,
        lease,
        status,
        origin,
        attempts,
        broken,
        inputTokens,
        outputTokens,
        waitNanos,
        firstByteNanos,
        nanos);
  }
}
