package relay.e2e;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import okhttp3.internal.http2.ErrorCode;
import okhttp3.tls.HeldCertificate;
import relay.e2e.RawProvider.Connection;
import relay.guards.Await;
import relay.model.Dialect;

/** The faults of a provider, as bytes on one request's connection. */
enum ProviderFault {
  /** The connection is refused. */
  REFUSE {
    @Override
    void answer(Form form, Connection connection) {
      throw new AssertionError("no request should arrive");
    }
  },
  /** The TLS handshake begins and does not go on. */
  HANDSHAKE_STALLS {
    @Override
    void answer(Form form, Connection connection) {
      throw new AssertionError("no request should arrive");
    }
  },
  CERTIFICATE_EXPIRED {
    @Override
    void answer(Form form, Connection connection) {
      throw new AssertionError("no request should arrive");
    }
  },
  CERTIFICATE_OF_ANOTHER_HOST {
    @Override
    void answer(Form form, Connection connection) {
      throw new AssertionError("no request should arrive");
    }
  },
  /** The provider resets the stream before it has read the request. */
  STREAM_REFUSED {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.http2().reset(ErrorCode.REFUSED_STREAM);
    }
  },
  /** The provider ends the connection, and an earlier stream is the last that it takes. */
  GOAWAY_WITHOUT_THE_REQUEST {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.http2().goAway(false);
    }
  },
  /** The provider ends the connection, but answers the stream. */
  GOAWAY_WITH_THE_REQUEST {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.http2().goAway(true);
      form.fine(connection);
    }
  },
  GOAWAY_MID_BODY {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.write(form.chunkedHead());
      connection.chunk(form.half());
      connection.http2().goAway(true);
      connection.chunk(form.whole().substring(form.half().length()));
      connection.chunk("");
    }
  },
  STREAM_RESET_AT_START {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.http2().reset(ErrorCode.INTERNAL_ERROR);
    }
  },
  STREAM_RESET_MID_BODY {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      form.begin(connection);
      connection.http2().reset(ErrorCode.INTERNAL_ERROR);
    }
  },
  RESET_AT_START {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.reset();
    }
  },
  RESET_MID_HEADER {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.write("HTTP/1.1 200 OK\r\ncontent-ty");
      connection.reset();
    }
  },
  BREAK_MID_BODY {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      form.begin(connection);
      connection.close();
    }
  },
  STALL_AT_START {
    @Override
    void answer(Form form, Connection connection) {
      connection.awaitClosed();
    }
  },
  STALL_MID_BODY {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      form.begin(connection);
      connection.awaitClosed();
    }
  },
  /** Half of the body in chunks, without the last chunk, then an orderly close. */
  TRUNCATED_CHUNKED {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.write(form.chunkedHead());
      connection.chunk(form.half());
      connection.close();
    }
  },
  STATUS_429_RETRY_AFTER {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.write(Says.json(429, form.error("rate_limit_error"), "retry-after: 30"));
    }
  },
  STATUS_429_RESET_HEADERS {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.write(Says.json(429, form.error("rate_limit_error"), form.resetHeaders()));
    }
  },
  STATUS_429_ACCELERATION {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      String text = "exceeds the acceleration limit of your organization";
      connection.write(
          Says.json(429, Says.error(form.dialect(), "rate_limit_error", text), "retry-after: 30"));
    }
  },
  STATUS_429_SPEND {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.write(
          Says.json(
              429,
              "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"no\","
                  + "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}"));
    }
  },
  STATUS_429_QUOTA {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.write(
          Says.json(
              429,
              "{\"error\":{\"message\":\"no\",\"type\":\"insufficient_quota\",\"param\":null,"
                  + "\"code\":\"insufficient_quota\"}}"));
    }
  },
  STATUS_401(401, "authentication_error"),
  STATUS_403(403, "permission_error"),
  STATUS_400(400, "invalid_request_error"),
  /** The form of servers behind a proxy: no length, and the requested content type. */
  STATUS_400_CHUNKED {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      connection.write(form.chunkedHead().replace("200 OK", "400 Bad Request"));
      connection.chunk(form.error("invalid_request_error"));
      connection.chunk("");
    }
  },
  STATUS_500(500, "api_error"),
  STATUS_503(503, "overloaded_error"),
  STATUS_529(529, "overloaded_error"),
  BAD_JSON {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      String bad = "{\"id\":\"x\",\"usage\":{\"input_tokens\":oops";
      connection.write(
          form.stream()
              ? whole("text/event-stream", "data: " + bad + "\n\n")
              : Says.json(200, bad));
    }
  },
  /** The content length exceeds the body. */
  CONTENT_LENGTH_TOO_LONG {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      String whole = form.whole();
      connection.write(head(form, whole.length() + 100) + whole);
      connection.close();
    }
  },
  /** The body exceeds the content length. */
  CONTENT_LENGTH_TOO_SHORT {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      String whole = form.whole();
      connection.write(head(form, whole.length() / 2) + whole);
      connection.close();
    }
  },
  /** An error event after a good start. */
  ERROR_EVENT {
    @Override
    void answer(Form form, Connection connection) throws Exception {
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
    }
  },
  /** A good answer, a few bytes at a time. */
  SLOW_TRICKLE {
    @Override
    void answer(Form form, Connection connection) throws Exception {
      String whole = form.whole();
      connection.write(form.chunkedHead());
      for (int n = 0; n < whole.length(); n += 16) {
        Await.moment(System.nanoTime() + 5_000_000);
        connection.chunk(whole.substring(n, Math.min(whole.length(), n + 16)));
      }
      connection.chunk("");
    }
  };

  private static final HeldCertificate EXPIRED =
      ProviderWire.certificate("127.0.0.1").validityInterval(0, 1_000_000_000_000L).build();
  private static final HeldCertificate OTHER = ProviderWire.certificate("other.test").build();

  private final int status;
  private final String type;

  ProviderFault() {
    this(0, "");
  }

  ProviderFault(int status, String type) {
    this.status = status;
    this.type = type;
  }

  /** Answers one request. */
  void answer(Form form, Connection connection) throws Exception {
    connection.write(Says.json(status, form.error(type)));
  }

  /** Whether no request gets through. */
  boolean isOfConnection() {
    return switch (this) {
      case REFUSE, HANDSHAKE_STALLS, CERTIFICATE_EXPIRED, CERTIFICATE_OF_ANOTHER_HOST -> true;
      default -> false;
    };
  }

  /** Whether the protocol has such a fault. */
  boolean existsOn(ProviderWire wire) {
    return switch (this) {
      case HANDSHAKE_STALLS, CERTIFICATE_EXPIRED, CERTIFICATE_OF_ANOTHER_HOST -> wire.isTls();
      case STREAM_REFUSED,
          GOAWAY_WITHOUT_THE_REQUEST,
          GOAWAY_WITH_THE_REQUEST,
          GOAWAY_MID_BODY,
          STREAM_RESET_AT_START,
          STREAM_RESET_MID_BODY ->
          wire == ProviderWire.TLS_H2;
      default -> true;
    };
  }

  /** A provider with this fault of its connections, if it is one of those. */
  RawProvider provider(ProviderWire wire, RawProvider.Script script) throws IOException {
    return switch (this) {
      case CERTIFICATE_EXPIRED -> new RawProvider(wire, ProviderWire.factory(EXPIRED), script);
      case CERTIFICATE_OF_ANOTHER_HOST ->
          new RawProvider(wire, ProviderWire.factory(OTHER), script);
      default -> new RawProvider(wire, script);
    };
  }

  /** The name in the table. */
  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ').replace("status ", "");
  }

  private static String head(Form form, int length) {
    return "HTTP/1.1 200 OK\r\ncontent-type: "
        + (form.stream() ? "text/event-stream" : "application/json")
        + "\r\ncontent-length: "
        + length
        + "\r\n\r\n";
  }

  private static String whole(String type, String body) {
    return "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s"
        .formatted(type, body.length(), body);
  }

  /** The form of a good answer. Its usage differs from any estimate of the short request. */
  record Form(Dialect dialect, boolean stream) {
    static final int INPUT = 11_111;
    static final int OUTPUT = 777;

    static List<Form> all() {
      return List.of(
          new Form(Dialect.ANTHROPIC, false),
          new Form(Dialect.ANTHROPIC, true),
          new Form(Dialect.OPENAI, false),
          new Form(Dialect.OPENAI, true));
    }

    private static String large(String text) {
      return text.replace("_tokens\":7", "_tokens\":" + INPUT)
          .replace("_tokens\":3", "_tokens\":" + OUTPUT)
          .replace("_tokens\":10}", "_tokens\":" + (INPUT + OUTPUT) + "}");
    }

    String whole() {
      return large(stream ? String.join("", Says.events(dialect)) : Says.answer(dialect));
    }

    /** Its first events, or the first half of its JSON. */
    String half() {
      return stream
          ? large(String.join("", Says.events(dialect).subList(0, 2)))
          : whole().substring(0, whole().length() / 2);
    }

    String chunkedHead() {
      return stream ? Says.STREAM : Says.STREAM.replace("text/event-stream", "application/json");
    }

    /** Sends a good answer. */
    void fine(Connection connection) throws Exception {
      if (stream) {
        connection.write(chunkedHead());
        connection.chunk(whole());
        connection.chunk("");
      } else {
        connection.write(Says.json(200, whole()));
      }
    }

    /** Sends the first half of a good answer. */
    void begin(Connection connection) throws Exception {
      if (stream) {
        connection.write(chunkedHead());
        connection.chunk(half());
      } else {
        connection.write(head(this, whole().length()) + half());
      }
    }

    String error(String type) {
      return Says.error(dialect, type, "as the provider says");
    }

    String[] resetHeaders() {
      return switch (dialect) {
        case ANTHROPIC ->
            new String[] {
              "anthropic-ratelimit-requests-limit: 50",
              "anthropic-ratelimit-requests-remaining: 0",
              "anthropic-ratelimit-requests-reset: " + Instant.now().plusSeconds(30)
            };
        case OPENAI ->
            new String[] {
              "x-ratelimit-limit-requests: 50",
              "x-ratelimit-remaining-requests: 0",
              "x-ratelimit-reset-requests: 29.5s"
            };
      };
    }
  }
}
