package relay.trace;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import relay.model.Endpoint;
import relay.model.LeasePath;

/** Sends traces by OTLP over HTTP. */
final class OtlpTracing implements Tracing {
  private static final int MOST_SECONDS_AT_END = 5;
  private static final String PROTOCOL = "http/protobuf";

  /** Clients choose paths: the spans that wait must not hold much. */
  private static final String LONGEST_VALUE = "1024";

  private final OpenTelemetrySdk sdk;
  private final Tracer tracer;

  private OtlpTracing(OpenTelemetrySdk sdk) {
    this.sdk = sdk;
    tracer = sdk.getTracer("relay");
  }

  /**
   * Starts the sender.
   *
   * @throws RuntimeException if a variable is wrong
   */
  static Tracing start(Map<String, String> environment) {
    Map<String, String> settings = settings(environment);
    return new OtlpTracing(
        AutoConfiguredOpenTelemetrySdk.builder()
            .disableShutdownHook() // requests that still run at a signal have spans, too
            .addPropertiesCustomizer(_ -> settings)
            .build()
            .getOpenTelemetrySdk());
  }

  /** The variables, as properties of the library, with what Relay decides. */
  private static Map<String, String> settings(Map<String, String> environment) {
    Map<String, String> settings = new HashMap<>();
    environment.forEach(
        (name, value) -> {
          if (name.startsWith("OTEL_")) {
            settings.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value);
          }
        });
    settings.put("otel.metrics.exporter", "none"); // Relay has its own
    settings.put("otel.logs.exporter", "none");
    settings.putIfAbsent("otel.exporter.otlp.protocol", PROTOCOL);
    settings.putIfAbsent("otel.attribute.value.length.limit", LONGEST_VALUE);
    if (!settings.getOrDefault("otel.resource.attributes", "").contains("service.name=")) {
      settings.putIfAbsent("otel.service.name", "relay");
    }
    String protocol =
        settings.getOrDefault(
            "otel.exporter.otlp.traces.protocol",
            settings.getOrDefault("otel.exporter.otlp.protocol", PROTOCOL));
    if (!protocol.equals(PROTOCOL)) {
      throw new IllegalArgumentException(
          "OTEL_EXPORTER_OTLP_PROTOCOL must be " + PROTOCOL + ", not " + protocol);
    }
    return settings;
  }

  @Override
  public RequestTrace begin(
      String requestId, String method, String target, Function<String, List<String>> headers) {
    Context caller =
        W3CTraceContextPropagator.getInstance().extract(Context.root(), headers, Headers.GETTER);
    int query = target.indexOf('?');
    String path = query < 0 ? target : target.substring(0, query); // a query may hold a secret
    LeasePath lease = LeasePath.of(path);
    String route = lease != null ? lease.route(method) : Endpoint.at(path) != null ? path : null;
    String bounded = Conventions.method(method);
    Span span =
        tracer
            .spanBuilder(route == null ? bounded : bounded + " " + route)
            .setParent(caller)
            .setSpanKind(SpanKind.SERVER)
            .startSpan();
    if (span.isRecording()) {
      span.setAttribute("http.request.method", bounded);
      span.setAttribute("url.path", lease == null ? path : lease.shown());
      if (route != null) {
        span.setAttribute("http.route", route);
      }
      span.setAttribute("relay.request_id", requestId);
    }
    return new RequestSpans(tracer, span);
  }

  @Override
  public void close() {
    sdk.shutdown().join(MOST_SECONDS_AT_END, TimeUnit.SECONDS);
  }

  /** Reads a client's headers. */
  private enum Headers implements TextMapGetter<Function<String, List<String>>> {
    GETTER;

    @Override
    public @Nullable String get(@Nullable Function<String, List<String>> headers, String name) {
      List<String> values = headers == null ? List.of() : headers.apply(name);
      return switch (values.size()) {
        case 0 -> null;
        case 1 -> values.getFirst();
        // Only tracestate is a list. Which of two parents is meant cannot be known.
        default -> name.equals("tracestate") ? String.join(",", values) : null;
      };
    }
  }
}
