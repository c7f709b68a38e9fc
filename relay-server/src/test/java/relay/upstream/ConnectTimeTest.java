package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import org.junit.jupiter.api.Test;
import relay.carrier.Carriers;
import relay.embedded.LoopbackPorts;

/** A lookup and the connection after it share the connect timeout. */
class ConnectTimeTest {
  private static final int TIMEOUT_MS = 20_000;
  private static final int LOOKUP_MS = 300;

  private final Queue<Integer> times = new ConcurrentLinkedQueue<>();

  private int left(int timeoutMs) {
    int left = ConnectTime.left(timeoutMs);
    times.add(left);
    return left;
  }

  private void connect(int lookupMs) throws Exception {
    try (Carriers carriers = new Carriers("carrier", 1)) {
      OkHttpClient client =
          new OkHttpClient.Builder()
              .dns(
                  _ -> {
                    pause(lookupMs);
                    return List.of(InetAddress.ofLiteral("127.0.0.1"));
                  })
              .eventListenerFactory(AttemptTrace.FACTORY)
              .socketFactory(carriers.sockets(0, () -> {}, this::left))
              .connectTimeout(Duration.ofMillis(TIMEOUT_MS))
              .build();
      Request request =
          new Request.Builder()
              .url("http://provider.test:" + LoopbackPorts.free(1)[0])
              .tag(AttemptTrace.class, new AttemptTrace())
              .build();
      assertThrows(IOException.class, client.newCall(request)::execute);
      client.dispatcher().executorService().shutdown();
    }
  }

  /** As a slow name server. */
  private static void pause(int ms) {
    try {
      assertTrue(!new CountDownLatch(1).await(ms, TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void a_lookup_takes_its_time_from_that_of_the_connection() throws Exception {
    connect(LOOKUP_MS);
    int left = times.remove();
    assertTrue(left > 0 && left <= TIMEOUT_MS - LOOKUP_MS, left + " ms are left");
  }

  @Test
  void after_a_lookup_that_took_all_of_it_a_connection_fails_soon_and_has_no_endless_wait() {
    ConnectTime.begin(TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MS));
    assertEquals(1, ConnectTime.left(TIMEOUT_MS));
    assertEquals(0, ConnectTime.left(0));
    ConnectTime.end();
    assertEquals(TIMEOUT_MS, ConnectTime.left(TIMEOUT_MS));
  }
}
