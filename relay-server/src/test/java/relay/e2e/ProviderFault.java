package relay.e2e;

import java.io.IOException;
import java.util.Locale;
import okhttp3.internal.http2.ErrorCode;
import okhttp3.tls.HeldCertificate;
import relay.e2e.RawProvider.Connection;
import relay.guards.Await;
import relay.model.Dialect;

/** The faults of a provider, as bytes on one request's connection. */
@SuppressWarnings("ImmutableEnumChecker") // its functions hold nothing
enum ProviderFault {
  /** The connection is refused. */
  REFUSE(Kind.CONNECTION),
  /** The provider does not go on with a TLS handshake that has begun. */
  HANDSHAKE_STALLS(Kind.HANDSHAKE),
  CERTIFICATE_EXPIRED(Kind.HANDSHAKE),
  CERTIFICATE_OF_ANOTHER_HOST(Kind.HANDSHAKE),
  /** The provider closes the connection after an answer that does not say so. */
  KEPT_CONNECTION_CLOSES(
      Kind.ANSWER,
      (form, connection) -> {
        form.fine(connection);
        connection.close();
      },
      AnswerForm::fine),
  /** The provider resets a connection on which it has answered before. */
  KEPT_CONNECTION_RESETS(Kind.ANSWER, AnswerForm::fine, (form, connection) -> connection.reset()),
  RESET_AT_START(Kind.ANSWER, (form, connection) -> connection.reset()),
  RESET_MID_HEADER(
      Kind.ANSWER,
      (form, connection) -> {
        connection.write("HTTP/1.1 200 OK\r\ncontent-ty");
        connection.reset();
      }),
  /** A head of a good answer, and nothing of its body. */
  BREAK_BEFORE_BODY(
      Kind.ANSWER,
      (form, connection) -> {
        connection.write(form.chunkedHead());
        connection.close();
      }),
  BREAK_MID_BODY(
      Kind.ANSWER,
      (form, connection) -> {
        form.begin(connection);
        connection.close();
      }),
  STALL_AT_START(Kind.STALL, (form, connection) -> {}),
  /** Informational answers, and never a final one. */
  INFORMATIONAL_ANSWERS(
      Kind.STALL, (form, connection) -> Thread.ofVirtual().start(() -> inform(connection))),
  STALL_BEFORE_BODY(Kind.STALL, (form, connection) -> connection.write(form.chunkedHead())),
  STALL_MID_BODY(Kind.STALL, AnswerForm::begin),
  /** The provider stops sending on the connection, even answers to pings. */
  CONNECTION_FALLS_SILENT(Kind.HTTP2, (form, connection) -> connection.http2().fallSilent()),
  /** Another request takes the only stream that the provider allows on a connection. */
  STREAMS_EXHAUSTED(Kind.HTTP2, AnswerForm::begin, AnswerForm::fine),
  /** The provider resets the stream before it has read the request. */
  STREAM_REFUSED(
      Kind.HTTP2, (form, connection) -> connection.http2().reset(ErrorCode.REFUSED_STREAM)),
  STREAM_RESET_AT_START(
      Kind.HTTP2, (form, connection) -> connection.http2().reset(ErrorCode.INTERNAL_ERROR)),
  STREAM_RESET_MID_BODY(
      Kind.HTTP2,
      (form, connection) -> {
        form.begin(connection);
        connection.http2().reset(ErrorCode.INTERNAL_ERROR);
      }),
  /** The provider announces the end of the connection with an answer. */
  GOAWAY_BETWEEN_REQUESTS(
      Kind.HTTP2,
      (form, connection) -> {
        connection.http2().goAway(true);
        form.fine(connection);
      },
      AnswerForm::fine),
  /** The provider ends the connection, and an earlier stream is the last that it takes. */
  GOAWAY_WITHOUT_THE_REQUEST(Kind.HTTP2, (form, connection) -> connection.http2().goAway(false)),
  /** The provider ends the connection, but answers the stream. */
  GOAWAY_WITH_THE_REQUEST(
      Kind.HTTP2,
      (form, connection) -> {
        connection.http2().goAway(true);
        form.fine(connection);
      }),
  GOAWAY_MID_BODY(
      Kind.HTTP2,
      (form, connection) -> {
        connection.write(form.chunkedHead());
        connection.chunk(form.half());
        connection.http2().goAway(true);
        connection.chunk(form.whole().substring(form.half().length()));
        connection.chunk("");
      }),
  /** Half of the body in chunks, without the last chunk, then an orderly close. */
  TRUNCATED_CHUNKED(
      Kind.ANSWER,
      (form, connection) -> {
        connection.write(form.chunkedHead());
        connection.chunk(form.half());
        connection.close();
      }),
  STATUS_429_RETRY_AFTER(
      Kind.ANSWER, (form, connection) -> connection.write(form.limited("no more"))),
  STATUS_429_RESET_HEADERS(
      Kind.ANSWER,
      (form, connection) ->
          connection.write(Says.json(429, form.error("rate_limit_error"), form.resetHeaders()))),
  STATUS_429_ACCELERATION(
      Kind.ANSWER,
      (form, connection) ->
          connection.write(form.limited("exceeds the acceleration limit of your organization"))),
  STATUS_429_SPEND(
      Kind.ANSWER,
      (form, connection) ->
          connection.write(
              Says.json(
                  429,
                  "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"no\","
                      + "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}"))),
  STATUS_429_QUOTA(
      Kind.ANSWER,
      (form, connection) ->
          connection.write(
              Says.json(
                  429,
                  "{\"error\":{\"message\":\"no\",\"type\":\"insufficient_quota\",\"param\":null,"
                      + "\"code\":\"insufficient_quota\"}}"))),
  STATUS_401(401, "authentication_error"),
  STATUS_403(403, "permission_error"),
  STATUS_400(400, "invalid_request_error"),
  /** The form of servers behind a proxy: no length, and the requested content type. */
  STATUS_400_CHUNKED(
      Kind.ANSWER,
      (form, connection) -> {
        connection.write(form.chunkedHead().replace("200 OK", "400 Bad Request"));
        connection.chunk(form.error("invalid_request_error"));
        connection.chunk("");
      }),
  STATUS_500(500, "api_error"),
  STATUS_503(503, "overloaded_error"),
  STATUS_529(529, "overloaded_error"),
  /** No status of HTTP, which has 100 to 599. */
  STATUS_999(999, "api_error"),
  BAD_JSON(
      Kind.ANSWER,
      (form, connection) -> {
        String json = "{\"id\":\"x\",\"usage\":{\"input_tokens\":oops";
        String bad = form.stream() ? "data: " + json + "\n\n" : json;
        connection.write(form.head(bad.length()) + bad);
      }),
  /** The content length exceeds the body. */
  CONTENT_LENGTH_TOO_LONG(
      Kind.ANSWER,
      (form, connection) -> {
        connection.write(form.head(form.whole().length() + 100) + form.whole());
        connection.close();
      }),
  /** The body exceeds the content length. */
  CONTENT_LENGTH_TOO_SHORT(
      Kind.ANSWER,
      (form, connection) -> {
        connection.write(form.head(form.whole().length() / 2) + form.whole());
        connection.close();
      }),
  /** An error event after a good start. */
  ERROR_EVENT(
      Kind.ANSWER,
      (form, connection) -> {
        String error = form.error("overloaded_error");
        if (!form.stream()) {
          connection.write(Says.json(200, error));
          return;
        }
        connection.write(Says.STREAM);
        connection.chunk(form.half());
        connection.chunk(
            (form.dialect() == Dialect.ANTHROPIC ? "event: error\n" : "")
                + "data: "
                + error
                + "\n\n");
        connection.chunk("");
      }),
  /** A good answer, a few bytes at a time. */
  SLOW_TRICKLE(
      Kind.ANSWER,
      (form, connection) -> {
        String whole = form.whole();
        connection.write(form.chunkedHead());
        for (int n = 0; n < whole.length(); n += 16) {
          Await.moment(System.nanoTime() + 5_000_000);
          connection.chunk(whole.substring(n, Math.min(whole.length(), n + 16)));
        }
        connection.chunk("");
      });

  private static final HeldCertificate EXPIRED =
      ProviderWire.certificate("127.0.0.1").validityInterval(0, 1_000_000_000_000L).build();
  private static final HeldCertificate OTHER = ProviderWire.certificate("other.test").build();

  /** What has the fault. */
  enum Kind {
    /** No connection is made. */
    CONNECTION,
    /** The same, and only with TLS. */
    HANDSHAKE,
    /** The answer, or the connection while there should be one. */
    ANSWER,
    /** The same, and only the idle timeout ends it. */
    STALL,
    /** A stream or a connection of HTTP/2. */
    HTTP2
  }

  /** Answers one request. */
  @FunctionalInterface
  interface Answering {
    Answering NONE =
        (form, connection) -> {
          throw new AssertionError("no such request should arrive");
        };

    void answer(AnswerForm form, Connection connection) throws Exception;
  }

  private final Kind kind;
  private final Answering earlier;
  private final Answering faulty;

  ProviderFault(Kind kind) {
    this(kind, Answering.NONE);
  }

  ProviderFault(Kind kind, Answering faulty) {
    this(kind, Answering.NONE, faulty);
  }

  ProviderFault(int status, String type) {
    this(Kind.ANSWER, (form, connection) -> connection.write(Says.json(status, form.error(type))));
  }

  /**
   * @param earlier answers a request that comes before the one with the fault
   */
  ProviderFault(Kind kind, Answering earlier, Answering faulty) {
    this.kind = kind;
    this.earlier = earlier;
    this.faulty = faulty;
  }

  /** Answers the request that the table is about. */
  void answer(AnswerForm form, Connection connection) throws Exception {
    faulty.answer(form, connection);
  }

  void answerEarlier(AnswerForm form, Connection connection) throws Exception {
    earlier.answer(form, connection);
  }

  /** Whether another request comes before, on the same connection. */
  boolean hasEarlier() {
    return !earlier.equals(Answering.NONE);
  }

  /** Whether that one goes on until the next is answered. */
  boolean earlierGoesOn() {
    return this == STREAMS_EXHAUSTED;
  }

  /** Whether no request gets through. */
  boolean isOfConnection() {
    return kind == Kind.CONNECTION || kind == Kind.HANDSHAKE;
  }

  private static void inform(RawProvider.Connection connection) {
    try {
      while (true) {
        connection.write("HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n");
        Await.moment(System.nanoTime() + 10_000_000);
      }
    } catch (IOException e) {
      // until the connection is closed
    }
  }

  /** Whether the provider then sends nothing more. */
  boolean isStall() {
    return kind == Kind.STALL;
  }

  /** Whether the protocol has such a fault. */
  boolean existsOn(ProviderWire wire) {
    return switch (kind) {
      case CONNECTION, ANSWER, STALL -> true;
      case HANDSHAKE -> wire.isTls();
      case HTTP2 -> wire == ProviderWire.TLS_H2;
    };
  }

  /** A provider with this fault of its connections, if it is one of those. */
  RawProvider provider(ProviderWire wire, RawProvider.Script script) throws IOException {
    return switch (this) {
      case CERTIFICATE_EXPIRED -> new RawProvider(wire, ProviderWire.factory(EXPIRED), script);
      case CERTIFICATE_OF_ANOTHER_HOST ->
          new RawProvider(wire, ProviderWire.factory(OTHER), script);
      case STREAMS_EXHAUSTED -> new RawProvider(wire, script).mostStreams(1);
      default -> new RawProvider(wire, script);
    };
  }

  /** The name in the table. */
  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ').replace("status ", "");
  }
}
