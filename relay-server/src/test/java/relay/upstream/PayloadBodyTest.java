package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okio.Buffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.LocalTls;
import relay.Seeds;
import relay.body.Payload;
import relay.carrier.Carriers;
import relay.carrier.SpareBuffers;

@Tag("slow")
class PayloadBodyTest {
  private static final List<Integer> SIZES =
      List.of(0, 1, 1_023, 8_191, 8_192, 8_193, 16_384, 65_536, 65_537, 1_000_000);

  private static final int HEADROOM = 2_048;

  private final Seeds seeds = new Seeds();
  private final Carriers carriers = new Carriers("carrier", 1);
  private final LocalTls tls = new LocalTls();
  private final MockWebServer web = new MockWebServer();

  @AfterEach
  void close() {
    web.close();
    carriers.close();
  }

  @Test
  void arrives_unchanged_over_http_1_each_time() throws Exception {
    web.start();
    sendAll(new OkHttpClient.Builder().build(), Protocol.HTTP_1_1);
  }

  @Test
  void arrives_unchanged_over_tls_and_over_http_2() throws Exception {
    web.useHttps(tls.server());
    OkHttpClient http = tls.client().build();
    web.start();
    for (Protocol protocol : List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)) {
      sendAll(
          http.newBuilder()
              .protocols(
                  protocol == Protocol.HTTP_2
                      ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)
                      : List.of(Protocol.HTTP_1_1))
              .build(),
          protocol);
    }
  }

  private void sendAll(OkHttpClient client, Protocol protocol) throws Exception {
    OkHttpClient http =
        client
            .newBuilder()
            .socketFactory(carriers.sockets(0, () -> {}))
            .eventListenerFactory(AttemptTrace.FACTORY)
            .build();
    for (int size : SIZES) {
      byte[] bytes = new byte[size];
      seeds.random(size).nextBytes(bytes);
      byte[] before = bytes.clone();
      for (Payload payload : List.of(Payload.of(bytes), inPlace(bytes))) {
        for (int time = 0; time < 2; time++) {
          assertArrayEquals(before, sent(http, protocol, payload), seeds.replay(0));
        }
      }
      assertArrayEquals(before, bytes, "it was only lent");
    }
  }

  private static Payload inPlace(byte[] bytes) {
    ByteBuffer memory = ByteBuffer.allocateDirect(HEADROOM + bytes.length).position(HEADROOM);
    return Payload.in(
        memory.put(bytes).position(HEADROOM), new SpareBuffers(bytes.length, false, 1), () -> {});
  }

  private byte[] sent(OkHttpClient http, Protocol protocol, Payload payload)
      throws IOException, InterruptedException {
    web.enqueue(new MockResponse.Builder().build());
    AttemptTrace trace = new AttemptTrace();
    PayloadBody body = new PayloadBody(payload, trace);
    assertEquals(payload.length(), body.contentLength());
    Request request =
        new Request.Builder().url(web.url("/")).tag(AttemptTrace.class, trace).post(body).build();
    try (Response response = http.newCall(request).execute()) {
      assertEquals(protocol, response.protocol());
    }
    return Objects.requireNonNull(web.takeRequest().getBody()).toByteArray();
  }

  @Test
  void keeps_the_order_with_earlier_and_later_writes() throws IOException {
    byte[] bytes = new byte[20_000];
    seeds.random(1).nextBytes(bytes);
    Buffer sink = new Buffer().writeUtf8("before");
    new PayloadBody(Payload.of(bytes), new AttemptTrace()).writeTo(sink);
    sink.writeUtf8("then");
    assertEquals("before", sink.readUtf8(6));
    assertArrayEquals(bytes, sink.readByteArray(bytes.length));
    assertEquals("then", sink.readUtf8());
  }
}
