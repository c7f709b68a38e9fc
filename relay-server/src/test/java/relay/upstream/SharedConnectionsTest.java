package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.LocalTls;
import relay.carrier.Carriers;

@Tag("slow")
class SharedConnectionsTest {
  private static final int CALLS = 20;

  /** Less than a stream's window: this server applies our SETTINGS on another thread, and later. */
  private static final String ANSWER = "event".repeat(40_000);

  private final LocalTls tls = new LocalTls();
  @AutoClose private final MockWebServer web = new MockWebServer();
  @AutoClose private final Carriers carriers = new Carriers("carrier", 1);

  private final SharedConnections all =
      new SharedConnections(carriers, TimeUnit.MINUTES.toNanos(5));
  private final OkHttpClient base =
      tls.client().protocols(List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)).build();

  private void serve() throws Exception {
    web.useHttps(tls.server());
    web.setDispatcher(
        new mockwebserver3.Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) {
            return new MockResponse.Builder().body(ANSWER).build();
          }
        });
    web.start();
  }

  private boolean exchange(HttpUrl url) throws Exception {
    SharedConnections.Shared one = null;
    while (one == null) {
      one = all.take(base, 0, (made, _) -> made.join(), 0);
    }
    Request request = new Request.Builder().url(url).build();
    try (Response response = one.client().newCall(request).execute()) {
      return response.protocol() == Protocol.HTTP_2 && response.body().string().equals(ANSWER);
    } finally {
      one.leave();
    }
  }

  private void exchangeTogether(HttpUrl url) throws Exception {
    Executor threads = Executors.newVirtualThreadPerTaskExecutor();
    List<CompletableFuture<Boolean>> calls = new ArrayList<>();
    for (int n = 0; n < CALLS; n++) {
      calls.add(
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return exchange(url);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              },
              threads));
    }
    for (CompletableFuture<Boolean> call : calls) {
      assertTrue(call.get(60, TimeUnit.SECONDS));
    }
  }

  @Test
  void calls_that_begin_together_share_the_first_connection() throws Exception {
    serve();
    exchangeTogether(web.url("/"));
    for (int n = 0; n < CALLS; n++) {
      assertEquals(0, web.takeRequest().getConnectionIndex());
    }
    all.closeIdle(0);
    assertEquals(0, all.count());
  }

  @Test
  void calls_beyond_the_limit_of_streams_get_another_connection() throws Exception {
    for (int n = 0; n < SharedConnections.MOST_STREAMS; n++) {
      assertNotNull(all.take(base, 0, (_, _) -> {}, 0));
    }
    assertEquals(1, all.count());
    assertNotNull(all.take(base, 0, (_, _) -> {}, 0));
    assertEquals(2, all.count());
    all.closeIdle(0);
    assertEquals(2, all.count(), "those in use stay");
  }

  /** The provider states its bound late: by then, all calls have begun. */
  @Test
  void a_new_connection_gets_no_more_streams_than_the_provider_allows() throws Exception {
    int allowed = 5;
    try (StreamServer server = new StreamServer(tls.server(), allowed, ANSWER)) {
      exchangeTogether(server.url());
      assertEquals(CALLS, server.answered());
      assertTrue(server.mostAtOnce() <= allowed, server.mostAtOnce() + " streams at once");
      assertTrue(server.connections() <= CALLS / allowed, server.connections() + " connections");
    }
  }
}
