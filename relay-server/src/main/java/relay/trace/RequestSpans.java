package relay.trace;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import java.net.URI;
import java.time.Instant;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import relay.model.TokenUsage;

/**
 * Spans with the attributes of OpenTelemetry's conventions for HTTP and for generative AI. Each
 * attempt is an inference span: attempts may differ in the provider, and only one has usage.
 */
final class RequestSpans implements RequestTrace {
  private static final String ERROR_TYPE = "error.type";
  private static final String CANCELLED = "cancelled";
  private static final int CLIENT_LEFT = 499;

  private final Tracer tracer;
  private final Span request;
  private final Context context;
  private @Nullable Span attempt;
  private boolean attemptFailed;

  RequestSpans(Tracer tracer, Span request) {
    this.tracer = tracer;
    this.request = request;
    context = Context.root().with(request);
  }

  @Override
  public void acquired(String provider, String outcome, long waitedNanos) {
    if (!request.isRecording()) {
      return;
    }
    Instant now = Instant.now();
    tracer
        .spanBuilder("acquire")
        .setParent(context)
        .setStartTimestamp(now.minusNanos(waitedNanos))
        .setAttribute("relay.provider", provider)
        .setAttribute("relay.acquire.outcome", outcome)
        .startSpan()
        .end(now);
  }

  @Override
  public void attempt(Attempt next) {
    attemptEnded();
    String operation = Conventions.operation(next.endpoint());
    SpanBuilder builder = tracer.spanBuilder(Conventions.name(operation, next)).setParent(context);
    Span span = builder.setSpanKind(SpanKind.CLIENT).startSpan();
    if (span.isRecording()) {
      describe(span, next, operation);
    }
    attempt = span;
    attemptFailed = false;
  }

  private static void describe(Span span, Attempt next, @Nullable String operation) {
    if (operation != null) {
      span.setAttribute("gen_ai.operation.name", operation);
    }
    span.setAttribute("gen_ai.provider.name", Conventions.provider(next.provider().type()));
    if (!next.model().isEmpty()) {
      span.setAttribute("gen_ai.request.model", next.model());
    }
    if (next.stream()) {
      span.setAttribute("gen_ai.request.stream", true);
    }
    URI server = next.provider().baseUrl();
    if (server.getHost() != null) {
      span.setAttribute("server.address", server.getHost());
      span.setAttribute("server.port", port(server));
    }
    span.setAttribute("http.request.method", Conventions.method(next.method()));
    if (next.number() > 1) {
      span.setAttribute("http.request.resend_count", next.number() - 1);
    }
    span.setAttribute("relay.provider", next.provider().name());
    span.setAttribute("relay.key", next.key());
  }

  private static int port(URI server) {
    if (server.getPort() > 0) {
      return server.getPort();
    }
    return "http".equalsIgnoreCase(server.getScheme()) ? 80 : 443;
  }

  @Override
  public void propagate(BiConsumer<String, String> headers) {
    Span inner = attempt == null ? request : attempt;
    W3CTraceContextPropagator.getInstance()
        .inject(
            context.with(inner),
            headers,
            (carrier, name, value) -> {
              if (carrier != null) {
                carrier.accept(name, value);
              }
            });
  }

  @Override
  public void answered(int status) {
    Span span = attempt;
    if (span != null) {
      span.setAttribute("http.response.status_code", status);
      if (status >= 400) {
        failed(Integer.toString(status));
      }
    }
  }

  @Override
  public void reported(String model, TokenUsage usage) {
    Span span = attempt;
    if (span == null || !span.isRecording()) {
      return;
    }
    if (!model.isEmpty()) {
      span.setAttribute("gen_ai.response.model", model);
    }
    long read = usage.cacheReadTokens();
    long written = usage.cacheCreationTokens();
    span.setAttribute("gen_ai.usage.input_tokens", usage.inputTokens() + read + written);
    span.setAttribute("gen_ai.usage.output_tokens", usage.outputTokens());
    if (read > 0) {
      span.setAttribute("gen_ai.usage.cache_read.input_tokens", read);
    }
    if (written > 0) {
      span.setAttribute("gen_ai.usage.cache_write.input_tokens", written);
    }
  }

  @Override
  public void failed(String errorType) {
    Span span = attempt;
    if (span != null && !attemptFailed) {
      attemptFailed = true;
      span.setAttribute(ERROR_TYPE, errorType);
      span.setStatus(StatusCode.ERROR);
    }
  }

  @Override
  public void attemptEnded() {
    Span span = attempt;
    if (span != null) {
      attempt = null;
      span.end();
    }
  }

  @Override
  public void ofLease(String shortId) {
    request.setAttribute("relay.lease", shortId);
  }

  @Override
  public void end(int status, String origin, String client, int attempts) {
    if (status == CLIENT_LEFT) {
      failed(CANCELLED);
      request.setAttribute(ERROR_TYPE, CANCELLED);
    } else if (status >= 500) {
      request.setAttribute(ERROR_TYPE, Integer.toString(status));
      request.setStatus(StatusCode.ERROR);
    }
    attemptEnded();
    request.setAttribute("http.response.status_code", status);
    request.setAttribute("relay.origin", origin);
    request.setAttribute("relay.client", client);
    request.setAttribute("relay.attempts", attempts);
    request.end();
  }
}
