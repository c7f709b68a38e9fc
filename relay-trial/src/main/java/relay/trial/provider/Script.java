package relay.trial.provider;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderMap;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer that a request orders by its {@code x-sim-*} headers. Relay forwards them like any
 * unknown header.
 *
 * @param inputTokens {@code x-sim-input-tokens}; absent: a quarter of the body's bytes, rounded up
 * @param outputTokens {@code x-sim-output-tokens}; default 20
 * @param events {@code x-sim-events}: content events of a stream; default 5, or as the settings say
 * @param intervalMs {@code x-sim-event-interval-ms}: pause before each event but the first
 * @param latencyMs {@code x-sim-latency-ms}: pause before the answer's first byte
 * @param gzip {@code x-sim-gzip: 1}, and the request accepts it
 * @param gate {@code x-sim-gate}: each event but the first waits until the test releases it
 * @param fault {@code x-sim-fault}
 * @param faultAccounts {@code x-sim-fault-accounts}: the fault is for these only; empty = for all
 * @param retryAfterSeconds {@code x-sim-retry-after} of a 429 that is a fault; -1 = no such header
 * @param tool {@code x-sim-tool}: the answer is a call of this tool, see {@link ToolCall}
 * @param toolInput {@code x-sim-tool-input}: JSON; default {@code {}}
 */
record Script(
    long inputTokens,
    long outputTokens,
    int events,
    long intervalMs,
    long latencyMs,
    boolean gzip,
    @Nullable String gate,
    @Nullable SimulatedFault fault,
    List<String> faultAccounts,
    long retryAfterSeconds,
    @Nullable String tool,
    String toolInput) {

  private static final HttpString INPUT_TOKENS = new HttpString("x-sim-input-tokens");
  private static final HttpString OUTPUT_TOKENS = new HttpString("x-sim-output-tokens");
  private static final HttpString EVENTS = new HttpString("x-sim-events");
  private static final HttpString INTERVAL_MS = new HttpString("x-sim-event-interval-ms");
  private static final HttpString LATENCY_MS = new HttpString("x-sim-latency-ms");
  private static final HttpString GZIP = new HttpString("x-sim-gzip");
  private static final HttpString GATE = new HttpString("x-sim-gate");
  private static final HttpString FAULT = new HttpString("x-sim-fault");
  private static final HttpString FAULT_ACCOUNTS = new HttpString("x-sim-fault-accounts");
  private static final HttpString RETRY_AFTER = new HttpString("x-sim-retry-after");
  private static final HttpString TOOL = new HttpString("x-sim-tool");
  private static final HttpString TOOL_INPUT = new HttpString("x-sim-tool-input");

  private static final long MAX_MS = 3_600_000;
  private static final int MAX_EVENTS = 100_000;

  /** Throws IllegalArgumentException that names the first invalid header. */
  static Script of(HttpServerExchange exchange, int bodyBytes, int events) {
    HeaderMap headers = exchange.getRequestHeaders();
    String faultName = headers.getFirst(FAULT);
    SimulatedFault fault = faultName == null ? null : SimulatedFault.named(faultName);
    if (faultName != null && fault == null) {
      throw new IllegalArgumentException("x-sim-fault: unknown fault " + faultName);
    }
    String accounts = headers.getFirst(FAULT_ACCOUNTS);
    String toolInput = headers.getFirst(TOOL_INPUT);
    return new Script(
        number(headers, INPUT_TOKENS, Math.ceilDiv(bodyBytes, 4), TokenBucket.MAX_LIMIT),
        number(headers, OUTPUT_TOKENS, 20, TokenBucket.MAX_LIMIT),
        (int) number(headers, EVENTS, events, MAX_EVENTS),
        number(headers, INTERVAL_MS, 0, MAX_MS),
        number(headers, LATENCY_MS, 0, MAX_MS),
        headers.contains(GZIP) && accepts(headers.getFirst(Headers.ACCEPT_ENCODING)),
        headers.getFirst(GATE),
        fault,
        accounts == null ? List.of() : List.of(accounts.split(",", 64)),
        number(headers, RETRY_AFTER, -1, MAX_MS),
        headers.getFirst(TOOL),
        toolInput == null ? "{}" : toolInput);
  }

  /** The fault for a request of this account, or null. */
  @Nullable SimulatedFault faultOn(String account) {
    return faultAccounts.isEmpty() || faultAccounts.contains(account) ? fault : null;
  }

  private static boolean accepts(@Nullable String acceptEncoding) {
    return acceptEncoding != null && acceptEncoding.contains("gzip");
  }

  private static long number(HeaderMap headers, HttpString name, long absent, long max) {
    String text = headers.getFirst(name);
    if (text == null) {
      return absent;
    }
    try {
      long value = Long.parseLong(text);
      if (value >= 0 && value <= max) {
        return value;
      }
    } catch (NumberFormatException e) {
      // the error below names the header
    }
    throw new IllegalArgumentException(name + ": must be a whole number 0.." + max);
  }
}
