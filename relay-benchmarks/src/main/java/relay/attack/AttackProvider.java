package relay.attack;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The provider: one thread a connection, and an answer by the request's header {@value
 * Requests#ANSWER}. It also counts the requests that go round the counted endpoints.
 */
final class AttackProvider implements AutoCloseable {
  static final String JSON = "json";

  /** {@value #EVENTS} events, one each 100 ms, with the time of their writing. */
  static final String STREAM = "stream";

  /** Large events as fast as they are read, for ever. */
  static final String FLOOD = "flood";

  /** Status 500. */
  static final String FAILURE = "failure";

  /** A good answer that shows new ids. */
  static final String IDS = "ids";

  /** The head of a good answer; then the connection ends. */
  static final String HEAD_ONLY = "head-only";

  /** A negative status. */
  static final String NO_STATUS = "no-status";

  /** A conversation's path, by {@value Requests#STATE}: 404 to keys that did not make it. */
  static final String CONVERSATION = "conversation";

  static final int EVENTS = 50;

  /** Stands before the {@link System#nanoTime} of an event's writing. */
  static final String STAMP = "\"t=";

  private static final long INTERVAL_NANOS = 100_000_000;
  private static final int FLOOD_BYTES = 32 << 10;
  private static final int BACKLOG = 1024;
  private static final String USAGE = "\"usage\":{\"input_tokens\":9,\"output_tokens\":9}";
  private static final String MESSAGE =
      "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],"
          + USAGE
          + "}";

  private final ServerSocket server;
  private final ServerSocket brokenTls;
  private final AtomicLong uncounted = new AtomicLong();
  private final Map<String, String> owners = new ConcurrentHashMap<>(); // keys, by conversation

  AttackProvider() throws IOException {
    server = listen(this::serve);
    brokenTls = listen(AttackProvider::breakTls);
  }

  private static ServerSocket listen(Consumer<Socket> handler) throws IOException {
    ServerSocket server = new ServerSocket();
    server.bind(Wire.loopback(0), BACKLOG);
    Thread.ofPlatform().daemon().name("provider").start(() -> accept(server, handler));
    return server;
  }

  int port() {
    return server.getLocalPort();
  }

  /** The port of a provider that answers a TLS handshake with nonsense. */
  int brokenTlsPort() {
    return brokenTls.getLocalPort();
  }

  private static void breakTls(Socket socket) {
    try (socket) {
      var _ = socket.getInputStream().read();
      write(socket.getOutputStream(), "this is not TLS\r\n");
    } catch (IOException e) {
      // the peer has closed the connection
    }
  }

  /** Requests whose path is not the plain form of a counted endpoint. */
  long uncounted() {
    return uncounted.get();
  }

  private static void accept(ServerSocket server, Consumer<Socket> handler) {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        Thread.ofPlatform()
            .daemon()
            .name("provider-connection")
            .start(() -> handler.accept(socket));
      } catch (IOException e) {
        // the provider is being closed, or has no descriptor left: try again
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      while (true) {
        if (!answer(read(in), out)) {
          return;
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // the peer has closed the connection
    }
  }

  /**
   * What a request asks for.
   *
   * @param state the conversation that it names
   */
  private record Asked(String answer, String key, String state) {}

  private Asked read(InputStream in) throws IOException {
    String answer = JSON;
    String key = "";
    String state = "";
    long length = 0;
    String request = Wire.line(in);
    for (String line = Wire.line(in); !line.isEmpty(); line = Wire.line(in)) {
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = Long.parseLong(lower.substring(lower.indexOf(':') + 1).strip());
      } else if (lower.startsWith(Requests.ANSWER + ":")) {
        answer = lower.substring(lower.indexOf(':') + 1).strip();
      } else if (lower.startsWith("x-api-key:")) {
        key = lower;
      } else if (lower.startsWith(Requests.STATE + ":")) {
        state = lower.substring(lower.indexOf(':') + 1).strip();
      }
    }
    in.skipNBytes(length);
    if (!request.startsWith("POST /v1/messages HTTP/1.1")
        && !request.startsWith("POST /v1/messages?n")) {
      uncounted.getAndIncrement();
    }
    return new Asked(answer, key, state);
  }

  /** False if the connection is to end. */
  private boolean answer(Asked asked, OutputStream out) throws IOException {
    switch (asked.answer()) {
      case IDS ->
          json(out, "200 OK", MESSAGE.replace("[]", "[" + StateAttacks.ids("file-made") + "]"));
      case HEAD_ONLY -> {
        write(
            out,
            "HTTP/1.1 200 OK\r\n"
                + "content-type: application/json\r\n"
                + "transfer-encoding: chunked\r\n\r\n");
        return false;
      }
      case NO_STATUS -> {
        json(out, "-20 None", MESSAGE);
        return false;
      }
      case CONVERSATION -> {
        String owner = owners.computeIfAbsent(asked.state(), _ -> asked.key());
        String container = ",\"container\":{\"id\":\"" + asked.state() + "\"}}";
        if (owner.equals(asked.key())) {
          json(out, "200 OK", MESSAGE.substring(0, MESSAGE.length() - 1) + container);
        } else {
          json(out, "404 Not Found", "{\"type\":\"error\"}");
        }
      }
      case STREAM -> stream(out);
      case FLOOD -> flood(out);
      case FAILURE -> json(out, "500 Internal Server Error", "{\"type\":\"error\"}");
      default -> json(out, "200 OK", MESSAGE);
    }
    return true;
  }

  private static void json(OutputStream out, String status, String body) throws IOException {
    write(
        out,
        "HTTP/1.1 "
            + status
            + "\r\ncontent-type: application/json\r\ncontent-length: "
            + body.length()
            + "\r\n\r\n"
            + body);
  }

  private static void write(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(ISO_8859_1));
  }

  private static void event(OutputStream out, String type, String members) throws IOException {
    String event = "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + members + "}\n\n";
    write(out, Integer.toHexString(event.length()) + "\r\n" + event + "\r\n");
  }

  private static void begin(OutputStream out) throws IOException {
    write(
        out,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    event(out, "message_start", ",\"message\":" + MESSAGE);
  }

  private static void stream(OutputStream out) throws IOException {
    begin(out);
    long due = System.nanoTime();
    for (int n = 0; n < EVENTS; n++) {
      due += INTERVAL_NANOS;
      for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
      String text = STAMP + System.nanoTime() + "\"";
      event(
          out,
          "content_block_delta",
          ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":" + text + "}");
    }
    event(out, "message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"}," + USAGE);
    event(out, "message_stop", "");
    write(out, "0\r\n\r\n");
  }

  private static void flood(OutputStream out) throws IOException {
    begin(out);
    String large = ",\"text\":\"" + "x".repeat(FLOOD_BYTES) + "\"";
    while (true) {
      event(out, "ping", large);
    }
  }

  @Override
  public void close() {
    try {
      server.close();
      brokenTls.close();
    } catch (IOException e) {
      // closed either way
    }
  }
}
