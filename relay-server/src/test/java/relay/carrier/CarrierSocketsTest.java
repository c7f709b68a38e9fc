package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.LocalTls;

class CarrierSocketsTest {

  private static final String ANSWER = "event".repeat(20_000);

  private final LocalTls tls = new LocalTls();
  private final Carriers carriers = new Carriers("carrier", 2);

  @AfterEach
  void close() {
    carriers.close();
  }

  @Test
  void over_tls_a_large_request_passes_and_the_callback_runs_before_every_wait()
      throws IOException, InterruptedException {
    MockResponse chunked =
        new MockResponse.Builder()
            .chunkedBody(ANSWER, 700)
            .throttleBody(ANSWER.length() / 5, 50, TimeUnit.MILLISECONDS) // or all is there at once
            .build();
    int waits = exchange(Protocol.HTTP_1_1, chunked);
    assertTrue(waits > 1, waits + " waits for 100,000 bytes");
  }

  @Test
  void over_http_2_a_large_request_passes() throws IOException, InterruptedException {
    exchange(Protocol.HTTP_2, new MockResponse.Builder().body(ANSWER).build());
  }

  /** Sends a large body, and compares both sides. Returns the number of waits. */
  private int exchange(Protocol protocol, MockResponse answer)
      throws IOException, InterruptedException {
    byte[] body = new byte[300_000];
    new Random(3).nextBytes(body);
    AtomicInteger waits = new AtomicInteger();
    try (MockWebServer web = new MockWebServer()) {
      web.useHttps(tls.server());
      web.start();
      web.enqueue(answer);
      OkHttpClient http =
          tls.client()
              .socketFactory(carriers.sockets(0, waits::incrementAndGet))
              .protocols(List.of(Protocol.HTTP_2, Protocol.HTTP_1_1))
              .build();
      web.setProtocols(
          protocol == Protocol.HTTP_2
              ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)
              : List.of(Protocol.HTTP_1_1));
      Request request =
          new Request.Builder().url(web.url("/")).post(RequestBody.create(body)).build();
      try (Response response = http.newCall(request).execute()) {
        assertEquals(protocol, response.protocol());
        assertTrue(response.body().string().equals(ANSWER), "the answer is not what was sent");
      }
      byte[] received = Objects.requireNonNull(web.takeRequest().getBody()).toByteArray();
      assertArrayEquals(body, received);
    }
    return waits.get();
  }
}
