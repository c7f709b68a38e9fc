package relay.trace;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends the traces of requests to a collector. Thread-safe. */
public interface Tracing extends AutoCloseable {

  /**
   * Starts as OpenTelemetry's environment variables say. Without an endpoint, loads nothing of that
   * library.
   *
   * @return null if there is no endpoint, or a variable is wrong, which is logged: a replica serves
   *     without traces, too
   */
  static @Nullable Tracing of(Map<String, String> environment) {
    if (!isWanted(environment)) {
      return null;
    }
    try {
      return OtlpTracing.start(environment);
    } catch (RuntimeException e) {
      Logger log = LoggerFactory.getLogger(Tracing.class);
      log.error("no traces: an OTEL_ variable is wrong: {}", e.getMessage());
      return null;
    }
  }

  private static boolean isWanted(Map<String, String> environment) {
    return !environment.getOrDefault("OTEL_EXPORTER_OTLP_ENDPOINT", "").isBlank()
        || !environment.getOrDefault("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").isBlank();
  }

  /**
   * A request begins. It continues the trace that its client's headers name.
   *
   * @param target path and query
   * @param headers all values of a header
   */
  RequestTrace begin(
      String requestId, String method, String target, Function<String, List<String>> headers);

  /** Sends what is left, for a bounded time. */
  @Override
  void close();
}
