package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.Buffer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import relay.guards.Await;
import relay.model.Dialect;

/** Passthrough bodies that no replica could hold: of a heap of 64 MB, a body may take 8. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UploadsTest {
  private static final int LARGE = 12_000_000;
  private static final int PART = 64 * 1024;
  private static final String USED = "relay_memory_used_bytes";
  private static final String TOO_LARGE =
      Says.error(Dialect.OPENAI, "request_too_large", "too large for me");

  private final Map<ProviderWire, MockWebServer> providers = new EnumMap<>(ProviderWire.class);
  private final Map<ProviderWire, Replicas> replicas = new EnumMap<>(ProviderWire.class);
  private final RawProvider raw =
      new RawProvider(
          (request, connection) -> {
            CRC32 got = new CRC32();
            got.update(request.body());
            connection.write(Says.json(200, "{\"crc\":" + got.getValue() + "}"));
          });
  private final HeldUp slow = new HeldUp();
  private final CountDownLatch over = new CountDownLatch(1);
  private final EarlyProvider early = new EarlyProvider(Says.json(413, TOO_LARGE), over);
  private final OkHttpClient http1 = client(Protocol.HTTP_1_1);
  private final OkHttpClient http2 = client(Protocol.H2_PRIOR_KNOWLEDGE);

  UploadsTest() throws Exception {
    for (ProviderWire wire : ProviderWire.values()) {
      MockWebServer provider = wire.mock();
      provider.setBodyLimit(0);
      provider.start();
      providers.put(wire, provider);
      replicas.put(
          wire,
          new Setup()
              .http2()
              .server("max_upload_bytes: 50000000")
              .jvm("-Xmx64m")
              .jvm("-Drelay.timings=patience=1500")
              .provider(
                  "files",
                  Dialect.ANTHROPIC,
                  wire,
                  wire.url(provider.getPort()),
                  List.of("passthrough: true"),
                  List.of(Setup.key("a"), Setup.key("b")))
              .provider(
                  "other",
                  Dialect.OPENAI,
                  other(wire),
                  List.of("passthrough: true"),
                  List.of(Setup.key("o")))
              .start(1));
    }
  }

  private String other(ProviderWire wire) {
    return switch (wire) {
      case PLAIN -> raw.url();
      case TLS_H1 -> slow.url();
      case TLS_H2 -> early.url();
    };
  }

  private static OkHttpClient client(Protocol protocol) {
    return new OkHttpClient.Builder()
        .protocols(List.of(protocol))
        .socketFactory(SocketsWithoutDelay.ofClient())
        .callTimeout(Duration.ofSeconds(60))
        .readTimeout(Duration.ZERO)
        .writeTimeout(Duration.ZERO)
        .retryOnConnectionFailure(false)
        .build();
  }

  private MockWebServer provider(ProviderWire wire) {
    return Objects.requireNonNull(providers.get(wire));
  }

  private Replicas replica(ProviderWire wire) {
    return Objects.requireNonNull(replicas.get(wire));
  }

  @AfterAll
  void close() throws Exception {
    for (ProviderWire wire : ProviderWire.values()) {
      replica(wire).close();
      provider(wire).close();
    }
    raw.close();
    slow.close();
    over.countDown();
    early.close();
    http1.connectionPool().evictAll();
    http2.connectionPool().evictAll();
  }

  private Request upload(ProviderWire wire, RequestBody body) {
    return new Request.Builder()
        .url("http://127.0.0.1:" + replica(wire).port(0) + "/v1/files")
        .header("x-api-key", Ask.CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .post(body)
        .build();
  }

  private static MockResponse made(String id) {
    return new MockResponse.Builder().body("{\"id\":\"" + id + "\"}").build();
  }

  @ParameterizedTest
  @CsvSource({
    "PLAIN, HTTP_1_1, true",
    "PLAIN, H2_PRIOR_KNOWLEDGE, true",
    "TLS_H1, HTTP_1_1, false",
    "TLS_H1, H2_PRIOR_KNOWLEDGE, false",
    "TLS_H2, HTTP_1_1, true",
    "TLS_H2, H2_PRIOR_KNOWLEDGE, false"
  })
  void a_body_that_cannot_be_held_passes(ProviderWire wire, Protocol ofClient, boolean announced)
      throws Exception {
    MockWebServer provider = provider(wire);
    while (provider.takeRequest(0, TimeUnit.MILLISECONDS) != null) {
      // of another test, broken off
    }
    provider.enqueue(made("file_large"));
    OkHttpClient client = ofClient == Protocol.HTTP_1_1 ? http1 : http2;
    try (Response answer = client.newCall(upload(wire, new MadeBody(LARGE, announced))).execute()) {
      assertEquals(200, answer.code(), answer.toString());
      assertEquals(ofClient, answer.protocol());
      assertEquals("{\"id\":\"file_large\"}", answer.body().string());
      assertEquals("1", answer.header("x-relay-attempts"));
    }
    RecordedRequest got = provider.takeRequest();
    assertEquals(LARGE, got.getBodySize());
    assertEquals(announced ? "" + LARGE : null, got.getHeaders().get("content-length"));
  }

  @Test
  void every_byte_passes_in_order_with_what_was_read_before() throws Exception {
    byte[] body = new byte[3_000_000];
    new Random(7).nextBytes(body);
    CRC32 sent = new CRC32();
    sent.update(body);
    Ask ask = Ask.of(Dialect.OPENAI, "").target("/v1/files").body(body);
    for (Ask one :
        List.of(ask, Ask.of(Dialect.OPENAI, "").target("/v1/files").body(body).chunked(70_001))) {
      assertEquals("{\"crc\":" + sent.getValue() + "}", RawClient.ask(port(), one).text());
    }
  }

  private int port() {
    return replica(ProviderWire.PLAIN).port(0);
  }

  /** Downloads were never held: here for the bound. */
  @Test
  void a_download_larger_than_the_heap_passes() throws Exception {
    ProviderWire wire = ProviderWire.PLAIN;
    int size = 70_000_000;
    provider(wire)
        .enqueue(new MockResponse.Builder().body(new Buffer().write(new byte[size])).build());
    Request get =
        upload(wire, RequestBody.create(new byte[0]))
            .newBuilder()
            .url("http://127.0.0.1:" + replica(wire).port(0) + "/v1/files/file_123/content")
            .get()
            .build();
    try (Response answer = http1.newCall(get).execute()) {
      long left = size;
      byte[] part = new byte[PART];
      for (int n = answer.body().byteStream().read(part); n > 0; ) {
        left -= n;
        n = answer.body().byteStream().read(part);
      }
      assertEquals(0, left);
    }
    assertNotNull(provider(wire).takeRequest(10, TimeUnit.SECONDS));
  }

  /** The provider says so at once and reads no more. */
  @Test
  void an_early_413_of_the_provider_reaches_the_client() throws Exception {
    Request request =
        upload(ProviderWire.TLS_H2, new MadeBody(30_000_000, true))
            .newBuilder()
            .removeHeader("anthropic-version")
            .build();
    try (Response answer = http1.newCall(request).execute()) {
      assertEquals(413, answer.code());
      assertEquals(TOO_LARGE, answer.body().string());
      assertEquals("upstream", answer.header("x-relay-error-origin"));
    }
  }

  /** Here it also resets the stream. */
  @Test
  void an_early_413_over_http2_reaches_the_client() throws Exception {
    MockWebServer provider = provider(ProviderWire.TLS_H2);
    provider.enqueue(
        new MockResponse.Builder().code(413).body(TOO_LARGE).doNotReadRequestBody().build());
    Request request = upload(ProviderWire.TLS_H2, new MadeBody(30_000_000, true));
    try (Response answer = http1.newCall(request).execute()) {
      assertEquals(413, answer.code());
      assertEquals(TOO_LARGE, answer.body().string());
    }
    assertNotNull(provider.takeRequest(10, TimeUnit.SECONDS));
  }

  /** A small body is held and sent again, a large one cannot be. */
  @Test
  void an_upload_is_sent_once() throws Exception {
    MockWebServer provider = provider(ProviderWire.PLAIN);
    for (int size : new int[] {100_000, 2_000_000}) {
      boolean held = size == 100_000;
      provider.enqueue(new MockResponse.Builder().code(401).build());
      if (held) {
        provider.enqueue(made("file_held"));
      }
      try (Response answer =
          http1.newCall(upload(ProviderWire.PLAIN, new MadeBody(size, true))).execute()) {
        assertEquals(held ? 200 : 503, answer.code());
        assertEquals(held ? "2" : "1", answer.header("x-relay-attempts"));
      }
      assertNotNull(provider.takeRequest(10, TimeUnit.SECONDS));
      assertEquals(held, provider.takeRequest(held ? 10_000 : 0, TimeUnit.MILLISECONDS) != null);
    }
  }

  private static byte[] head(String versionHeader, long length) {
    return """
    POST /v1/files HTTP/1.1
    host: a
    x-api-key: %s
    %s: 2023-06-01
    content-length: %d

    """
        .formatted(Ask.CLIENT_KEY, versionHeader, length)
        .replace("\n", "\r\n")
        .getBytes(ISO_8859_1);
  }

  @Test
  void a_client_that_stalls_gets_a_408_and_the_provider_is_not_blamed() throws Exception {
    Replicas here = replica(ProviderWire.PLAIN);
    double failures = here.metric(0, unanswered());
    try (RawClient client = new RawClient(here.port(0))) {
      client.send(head("anthropic-version", 50_000_000)).send(new byte[1000]);
      Answer answer = client.answer();
      Errors.relays(answer, Dialect.ANTHROPIC, 408, "timeout_error");
    }
    assertEquals(failures, here.metric(0, unanswered()));
  }

  @ParameterizedTest
  @CsvSource({"HTTP_1_1, true", "HTTP_1_1, false", "H2_PRIOR_KNOWLEDGE, true"})
  void more_than_is_allowed_is_refused(Protocol ofClient, boolean announced) throws Exception {
    OkHttpClient client = ofClient == Protocol.HTTP_1_1 ? http1 : http2;
    Request request = upload(ProviderWire.PLAIN, new MadeBody(50_000_001, announced));
    try (Response answer = client.newCall(request).execute()) {
      assertEquals(413, answer.code());
      assertTrue(answer.body().string().contains("(server.max_upload_bytes)"));
    }
  }

  private static String unanswered() {
    return "relay_upstream_unanswered_total{cause=\"connection\",pool=\"files\"}";
  }

  @Test
  void a_client_that_leaves_ends_the_request_at_the_provider() throws Exception {
    int before = slow.accepted();
    int broken = slow.broken();
    try (Socket client =
        new Socket(InetAddress.ofLiteral("127.0.0.1"), replica(ProviderWire.TLS_H1).port(0))) {
      client.getOutputStream().write(head("x-any", 50_000_000));
      client.getOutputStream().write(new byte[PART]);
      Await.until("the upload's begin", () -> slow.accepted() > before);
    }
    slow.goOn();
    Await.until("the upload's end", () -> slow.broken() > broken);
  }

  /** The provider takes nothing: nor does the replica, beyond the buffers on the way. */
  @ParameterizedTest
  @EnumSource(names = {"HTTP_1_1", "H2_PRIOR_KNOWLEDGE"})
  void a_slow_provider_slows_down_its_client(Protocol ofClient) throws Exception {
    MadeBody body = new MadeBody(40_000_000, true);
    OkHttpClient client = ofClient == Protocol.HTTP_1_1 ? http1 : http2;
    Request request =
        upload(ProviderWire.TLS_H1, body).newBuilder().removeHeader("anthropic-version").build();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Integer> answered =
          threads.submit(
              () -> {
                try (Response answer = client.newCall(request).execute()) {
                  return answer.code();
                }
              });
      long stopped = standstill(body.written());
      assertTrue(stopped < 30_000_000, stopped + " bytes were taken from the client");
      assertFalse(answered.isDone(), answered::toString);
      slow.goOn();
      assertEquals(201, answered.get(30, TimeUnit.SECONDS));
      assertEquals(40_000_000, body.written().get());
    }
  }

  /** The value when it has not changed for a second. */
  private static long standstill(AtomicLong counter) {
    long[] last = {-1, System.nanoTime()};
    Await.until(
        "a standstill",
        () -> {
          long now = counter.get();
          if (now != last[0] || now == 0) {
            last[0] = now;
            last[1] = System.nanoTime();
          }
          return System.nanoTime() - last[1] > 1_000_000_000L;
        });
    return last[0];
  }

  @Test
  void the_memory_of_uploads_counts() throws Exception {
    Replicas here = replica(ProviderWire.PLAIN);
    double ofUpload = 112 * 1024;
    Await.until("earlier requests' end", () -> here.metric(0, USED) < ofUpload);
    try (RawClient client = new RawClient(here.port(0))) {
      client.send(head("anthropic-version", 50_000_000)).send(new byte[10]);
      Await.until("a charge", () -> here.metric(0, USED) >= ofUpload);
    }
    Await.until("its end", () -> here.metric(0, USED) < ofUpload);
  }
}
