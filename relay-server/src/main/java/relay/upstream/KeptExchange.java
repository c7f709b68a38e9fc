package relay.upstream;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.internal.connection.BufferedSocket;
import okhttp3.internal.connection.RealConnection;
import okhttp3.internal.http.RealResponseBody;
import okhttp3.internal.http.RequestLine;
import okhttp3.internal.http1.Http1ExchangeCodec;
import okio.Buffer;
import okio.BufferedSink;
import okio.ForwardingSource;
import okio.Okio;
import okio.Source;
import org.jspecify.annotations.Nullable;
import relay.carrier.CarrierSockets;
import relay.reach.ReadAhead;

/**
 * A request and its answer on a connection of HTTP/1.1 that an earlier call of OkHttp has made.
 * OkHttp's codec writes and reads them, without its chain of interceptors. The chain copies each
 * answer's head four times, and its frames are most of the stack that is saved while the answer is
 * awaited.
 */
final class KeptExchange implements UpstreamExchange {
  private static final int CONTINUE = 100;
  private static final int FIRST_OTHER_INTERIM = 102; // OkHttp, too, takes 101 for an answer
  private static final int FIRST_FINAL = 200;

  private final OkHttpClient client;
  private final RealConnection connection;
  private final BufferedSocket socket;
  private final Request request;
  private final AttemptTrace trace;
  private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.ACTIVE);
  private boolean ended; // the answer was read, or its rest is not to be

  private enum Stage {
    ACTIVE,
    CANCELED,
    RELEASED
  }

  private KeptExchange(
      OkHttpClient client,
      RealConnection connection,
      BufferedSocket socket,
      Request request,
      AttemptTrace trace) {
    this.client = client;
    this.connection = connection;
    this.socket = socket;
    this.request = request;
    this.trace = trace;
  }

  /** Null if OkHttp must send the request. */
  static @Nullable KeptExchange of(
      OkHttpClient client,
      @Nullable RealConnection connection,
      Request request,
      AttemptTrace trace) {
    BufferedSocket socket = ReadAhead.socket(connection);
    return connection != null
            && socket != null
            && !connection.getNoNewExchanges()
            && isFor(connection.route().address().url(), request)
            && connection.isHealthy(true)
        ? new KeptExchange(client, connection, socket, request, trace)
        : null;
  }

  /** Whether the server is the request's, and OkHttp would only add what {@link #write} adds. */
  private static boolean isFor(HttpUrl server, Request request) {
    HttpUrl url = request.url();
    return url.port() == server.port()
        && url.isHttps() == server.isHttps()
        && url.host().equals(server.host())
        && (request.body() == null || request.body() instanceof PayloadBody)
        && request.header("accept-encoding") != null
        && request.header("user-agent") != null
        && request.header("host") == null
        && request.header("connection") == null
        && request.header("content-length") == null
        && request.header("transfer-encoding") == null
        && request.header("expect") == null;
  }

  @Override
  public Response execute() throws IOException {
    if (isCanceled()) {
      throw new IOException("Canceled");
    }
    Http1ExchangeCodec codec = new Http1ExchangeCodec(client, connection, socket);
    trace.uses(connection);
    IOException unsent = null;
    try {
      write(codec);
    } catch (IOException e) {
      connection.noNewExchanges();
      unsent = e; // the answer may say why: the provider need not read a request to refuse it
    }
    try {
      return read(codec);
    } catch (IOException e) {
      if (unsent == null) {
        throw e;
      }
      unsent.addSuppressed(e);
      throw unsent;
    }
  }

  private void write(Http1ExchangeCodec codec) throws IOException {
    trace.sends();
    HttpUrl url = request.url();
    boolean ipv6 = url.host().indexOf(':') >= 0;
    BufferedSink out = socket.getSink();
    out.writeUtf8(RequestLine.INSTANCE.get(request, connection.route().proxy().type()))
        .writeUtf8(ipv6 ? "\r\nHost: [" : "\r\nHost: ")
        .writeUtf8(url.host())
        .writeUtf8(ipv6 ? "]" : "");
    if (url.port() != HttpUrl.defaultPort(url.scheme())) {
      out.writeByte(':').writeDecimalLong(url.port());
    }
    out.writeUtf8("\r\n");
    RequestBody body = request.body();
    if (body != null) {
      out.writeUtf8("Content-Length: ").writeDecimalLong(body.contentLength()).writeUtf8("\r\n");
    }
    codec.writeRequest(request.headers(), "Connection: Keep-Alive");
    if (body != null) {
      body.writeTo(out);
    }
    codec.finishRequest();
  }

  private Response read(Http1ExchangeCodec codec) throws IOException {
    if (socket.getSource().getBuffer().size() == 0 && CarrierSockets.made(connection.socket())) {
      CarrierSockets.awaitBytes(connection.socket(), null); // here the stack is not deep
    }
    Response.Builder builder = head(codec);
    while (isInterim(builder.getCode$okhttp())) {
      builder = head(codec);
    }
    Response head = builder.build();
    Source content = new Content(codec.openResponseBodySource(head), codec);
    return builder
        .body(
            new RealResponseBody(
                head.header("content-type"),
                codec.reportedContentLength(head),
                Okio.buffer(content)))
        .build();
  }

  private Response.Builder head(Http1ExchangeCodec codec) throws IOException {
    Response.Builder builder = codec.readResponseHeaders(false);
    if (builder == null) {
      throw new IllegalStateException("OkHttp's codec read no head");
    }
    return builder.request(request).handshake(connection.handshake());
  }

  private static boolean isInterim(int status) {
    return status == CONTINUE || (status >= FIRST_OTHER_INTERIM && status < FIRST_FINAL);
  }

  /** The answer's body: its end is checked while the connection is still this exchange's. */
  private final class Content extends ForwardingSource {
    private final Http1ExchangeCodec codec;

    Content(Source body, Http1ExchangeCodec codec) {
      super(body);
      this.codec = codec;
      endIfComplete();
    }

    @Override
    public long read(Buffer sink, long byteCount) throws IOException {
      long n = super.read(sink, byteCount);
      endIfComplete();
      return n;
    }

    @Override
    public void close() throws IOException {
      super.close(); // of an unread rest, retires the connection
      endIfComplete();
    }

    private void endIfComplete() {
      if (!ended && codec.isResponseComplete()) {
        ended = true;
        ReadAhead.check(connection);
      }
    }
  }

  /** From any thread: takes no lock. Without effect after {@link #release}. */
  @Override
  public void cancel() {
    if (stage.compareAndSet(Stage.ACTIVE, Stage.CANCELED)) {
      connection.cancel();
    }
  }

  @Override
  public boolean isCanceled() {
    return stage.get() == Stage.CANCELED;
  }

  /**
   * Gives the connection up, so that another request can have it: a client may leave when its
   * answer has long ended. By the thread that has read the answer.
   *
   * @return false if no request may have it: this one was cancelled, or has failed by whatever
   *     fault, perhaps between two bytes
   */
  boolean release() {
    return ended && stage.compareAndSet(Stage.ACTIVE, Stage.RELEASED);
  }
}
