package relay.trial.provider;

import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderMap;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.SameThreadExecutor;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.Options;
import relay.trial.provider.AccountLedger.Admission;
import relay.trial.provider.AnswerWriter.Parts;

/** Handles a request: authenticates the key, admits or refuses, answers as scripted. */
final class SimulatorHandler implements HttpHandler {
  private static final HttpString API_KEY = new HttpString("x-api-key");
  private static final AnswerShape ANTHROPIC = new AnthropicShape();
  private static final AnswerShape OPENAI = new OpenAiShape();
  private static final AnswerShape RESPONSES = new ResponsesShape();
  private static final AnswerShape EMBEDDINGS = new EmbeddingsShape();
  private static final Pattern ECHOED =
      Pattern.compile("/v1/(?:messages/)?(?:files|batches|images|audio)(?:/.*)?");

  private final Map<String, AccountLedger> ledgers; // by secret
  private final SimulatorState state;
  private final int events;

  SimulatorHandler(Map<String, AccountLedger> ledgers, SimulatorState state, int events) {
    this.ledgers = ledgers;
    this.state = state;
    this.events = events;
  }

  @Override
  public void handleRequest(HttpServerExchange exchange) {
    switch (exchange.getRequestPath()) {
      case "/v1/messages" -> receive(exchange, ANTHROPIC, true);
      case "/v1/messages/count_tokens" -> receive(exchange, ANTHROPIC, false);
      case "/v1/chat/completions" -> receive(exchange, OPENAI, true);
      case "/v1/responses" -> receive(exchange, RESPONSES, true);
      case "/v1/embeddings" -> receive(exchange, EMBEDDINGS, true);
      default -> {
        if (ECHOED.matcher(exchange.getRequestPath()).matches()) {
          exchange.getRequestReceiver().receiveFullBytes(this::echo);
        } else {
          refuse(exchange, ANTHROPIC, 404, "Not found");
        }
      }
    }
  }

  /** Returns the body of the request; the header {@code x-sim-asked} has its method and target. */
  private void echo(HttpServerExchange exchange, byte[] body) {
    String secret = secretOf(exchange.getRequestHeaders());
    state.noteSecret(secret);
    if (secret == null || !ledgers.containsKey(secret)) {
      state.unauthorized.increment();
      refuse(exchange, OPENAI, StatusCodes.UNAUTHORIZED, "Incorrect API key provided");
      return;
    }
    String query = exchange.getQueryString();
    HeaderMap headers = exchange.getResponseHeaders();
    headers.put(
        new HttpString("x-sim-asked"),
        "%s %s%s"
            .formatted(
                exchange.getRequestMethod(),
                exchange.getRequestURI(),
                query.isEmpty() ? "" : "?" + query));
    String type = exchange.getRequestHeaders().getFirst(Headers.CONTENT_TYPE);
    headers.put(Headers.CONTENT_TYPE, type == null ? "application/octet-stream" : type);
    exchange.getResponseSender().send(ByteBuffer.wrap(body));
  }

  /**
   * Answers from a dispatched task: only then may a handler return before it writes, as a late or a
   * stalled answer needs.
   */
  private void receive(HttpServerExchange exchange, AnswerShape shape, boolean counted) {
    exchange
        .getRequestReceiver()
        .receiveFullBytes(
            (_, body) ->
                exchange.dispatch(
                    SameThreadExecutor.INSTANCE, () -> handle(exchange, shape, counted, body)));
  }

  private void handle(
      HttpServerExchange exchange, AnswerShape shape, boolean counted, byte[] body) {
    String secret = secretOf(exchange.getRequestHeaders());
    AccountLedger ledger = secret == null ? null : ledgers.get(secret);
    state.noteSecret(secret);
    if (ledger == null) {
      state.unauthorized.increment();
      refuse(exchange, shape, StatusCodes.UNAUTHORIZED, "invalid x-api-key");
      return;
    }
    Script script;
    RequestFields fields;
    try {
      script = Script.of(exchange, body.length, events);
      fields = RequestFields.parse(body, script);
    } catch (IllegalArgumentException | IOException e) {
      refuse(exchange, shape, StatusCodes.BAD_REQUEST, String.valueOf(e.getMessage()));
      return;
    }
    SimulatedFault fault = state.nextFault(ledger.account().id());
    if (fault == null) {
      fault = script.faultOn(ledger.account().id());
    }
    if (fault != null && fault.beforeAdmission()) {
      state.faults.increment();
      inject(exchange, shape, ledger, script, fault);
    } else if (!counted) {
      state.countTokens.increment();
      send(exchange, StatusCodes.OK, "{\"input_tokens\":" + script.inputTokens() + "}");
    } else {
      switch (ledger.admit(script.inputTokens(), shape.outputUpFront(fields))) {
        case Admission.Refused(String dimension, long waitNanos) ->
            limit(exchange, shape, ledger, dimension, Math.ceilDiv(waitNanos, 1_000_000_000L));
        case Admission.Admitted() -> answer(exchange, shape, ledger, script, fields, fault);
      }
    }
  }

  private void answer(
      HttpServerExchange exchange,
      AnswerShape shape,
      AccountLedger ledger,
      Script script,
      RequestFields fields,
      @Nullable SimulatedFault fault) {
    state.openAnswers.increment();
    if (script.latencyMs() == 0) {
      begin(exchange, shape, ledger, script, fields, fault);
    } else {
      exchange
          .getIoThread()
          .executeAfter(
              () -> begin(exchange, shape, ledger, script, fields, fault),
              script.latencyMs(),
              TimeUnit.MILLISECONDS);
    }
  }

  private void begin(
      HttpServerExchange exchange,
      AnswerShape shape,
      AccountLedger ledger,
      Script script,
      RequestFields fields,
      @Nullable SimulatedFault fault) {
    String id = state.nextId();
    HeaderMap headers = exchange.getResponseHeaders();
    boolean stream = fields.stream() && shape.streams();
    headers.put(Headers.CONTENT_TYPE, stream ? "text/event-stream; charset=utf-8" : JSON);
    headers.put(new HttpString(shape.idHeader()), "req_" + id);
    shape.addLimits(headers, ledger.gauges(), state.wallClock.instant());
    try {
      Parts parts = new AnswerParts(shape, fields, script, id, ledger);
      if (script.gzip()) {
        headers.put(Headers.CONTENT_ENCODING, "gzip");
        parts = new GzipParts(parts);
      }
      Pacing pacing = stream ? new Pacing(script.intervalMs(), script.gate()) : Pacing.AT_ONCE;
      if (fault == null && !stream) {
        byte[] first = parts.part(0);
        byte[] second = parts.part(1);
        exchange.setResponseContentLength(first.length + second.length);
        state.ended(AnswerWriter.Ending.COMPLETE);
        exchange
            .getResponseSender()
            .send(new ByteBuffer[] {ByteBuffer.wrap(first), ByteBuffer.wrap(second)});
      } else {
        new AnswerWriter(exchange, parts, pacing, state.gates, fault, state::ended).pump();
      }
    } catch (IOException e) {
      state.ended(AnswerWriter.Ending.ABORTED);
      IoUtils.safeClose(exchange.getConnection());
    }
  }

  private void inject(
      HttpServerExchange exchange,
      AnswerShape shape,
      AccountLedger ledger,
      Script script,
      SimulatedFault fault) {
    switch (fault) {
      case STALL_AT_START -> {} // the peer, or the end of the simulator, closes the connection
      case RESET_AT_START -> {
        try {
          exchange.getConnection().setOption(Options.CLOSE_ABORT, true);
        } catch (IOException e) {
          // the connection is closed already
        }
        IoUtils.safeClose(exchange.getConnection());
      }
      case SPEND_429 -> limit(exchange, shape, ledger, null, script.retryAfterSeconds());
      case STATUS_429 -> limit(exchange, shape, ledger, "requests", script.retryAfterSeconds());
      default -> refuse(exchange, shape, fault.status(), "Simulated " + fault.status());
    }
  }

  private void limit(
      HttpServerExchange exchange,
      AnswerShape shape,
      AccountLedger ledger,
      @Nullable String dimension,
      long retryAfterSeconds) {
    String id = state.nextId();
    HeaderMap headers = exchange.getResponseHeaders();
    if (retryAfterSeconds >= 0) {
      headers.put(Headers.RETRY_AFTER, retryAfterSeconds);
    }
    shape.addLimits(headers, ledger.gauges(), state.wallClock.instant());
    headers.put(new HttpString(shape.idHeader()), "req_" + id);
    send(exchange, StatusCodes.TOO_MANY_REQUESTS, shape.limited(dimension, id));
  }

  private void refuse(HttpServerExchange exchange, AnswerShape shape, int status, String message) {
    String id = state.nextId();
    exchange.getResponseHeaders().put(new HttpString(shape.idHeader()), "req_" + id);
    send(exchange, status, shape.error(status, message, id));
  }

  private static final String JSON = "application/json";

  private static void send(HttpServerExchange exchange, int status, String json) {
    exchange.setStatusCode(status);
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, JSON);
    exchange.getResponseSender().send(json, StandardCharsets.UTF_8);
  }

  private static @Nullable String secretOf(HeaderMap headers) {
    String key = headers.getFirst(API_KEY);
    if (key != null) {
      return key;
    }
    String authorization = headers.getFirst(Headers.AUTHORIZATION);
    return authorization != null && authorization.startsWith("Bearer ")
        ? authorization.substring("Bearer ".length())
        : null;
  }
}
