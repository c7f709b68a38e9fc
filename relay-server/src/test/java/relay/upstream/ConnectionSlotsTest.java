package relay.upstream;

import static java.util.concurrent.CompletableFuture.completedFuture;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.LocalTls;
import relay.carrier.Carriers;
import relay.carrier.SecureSockets;
import relay.carrier.TlsEngines;
import relay.tls.ClientTls;

@Tag("slow")
class ConnectionSlotsTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  private final LocalTls tls = new LocalTls();
  private final MockWebServer web = new MockWebServer();
  private final List<ConnectionSlots.ConnectionSlot> underWay = new ArrayList<>();
  private final List<Response> open = new ArrayList<>();

  private final Carriers carriers = new Carriers("carrier", 2);

  @BeforeEach
  void start() throws IOException {
    for (int n = 0; n < 20; n++) {
      web.enqueue(new MockResponse.Builder().body("answer").build());
    }
  }

  @AfterEach
  void stop() {
    open.forEach(Response::close);
    web.close();
    carriers.close();
  }

  @Test
  void sequential_calls_share_a_connection() throws Exception {
    web.start();
    ConnectionSlots lanes = new ConnectionSlots(clients(new OkHttpClient()), carriers, LONG, false);
    for (int n = 0; n < 5; n++) {
      begin(lanes);
      endAll();
    }
    assertEquals(1, connections(5));
  }

  @Test
  void concurrent_calls_have_their_own_connections_and_later_ones_reuse_them() throws Exception {
    web.start();
    ConnectionSlots lanes = new ConnectionSlots(clients(new OkHttpClient()), carriers, LONG, false);
    for (int round = 0; round < 3; round++) {
      for (int n = 0; n < 4; n++) {
        begin(lanes);
      }
      endAll();
    }
    assertEquals(4, connections(12));
  }

  @Test
  void an_expired_idle_connection_is_closed() throws Exception {
    web.start();
    ConnectionSlots lanes =
        new ConnectionSlots(clients(new OkHttpClient()), carriers, Duration.ofNanos(1), false);
    begin(lanes);
    ConnectionSlots.ConnectionSlot lane = underWay.getFirst();
    endAll();
    assertEquals(1, lane.client().connectionPool().connectionCount());
    lanes.closeOld();
    assertEquals(0, lane.client().connectionPool().connectionCount());
    begin(lanes);
    assertEquals(2, connections(2));
  }

  @Test
  void a_recently_used_connection_is_kept() throws Exception {
    web.start();
    ConnectionSlots lanes = new ConnectionSlots(clients(new OkHttpClient()), carriers, LONG, false);
    begin(lanes);
    endAll();
    lanes.closeOld();
    begin(lanes);
    assertEquals(1, connections(2));
  }

  @Test
  void an_answer_not_read_completely_closes_its_connection() throws Exception {
    web.start();
    web.setDispatcher(
        new mockwebserver3.Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) {
            return new MockResponse.Builder()
                .body("slow answer".repeat(1_000))
                .throttleBody(100, 50, TimeUnit.MILLISECONDS)
                .build();
          }
        });
    ConnectionSlots lanes = new ConnectionSlots(clients(new OkHttpClient()), carriers, LONG, false);
    begin(lanes);
    endAll();
    begin(lanes);
    assertEquals(2, connections(2));
  }

  @Test
  void an_http_2_provider_has_one_connection_for_all_calls() throws Exception {
    web.useHttps(tls.server());
    web.start();
    OkHttpClient http = tls.client().protocols(List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)).build();
    ConnectionSlots lanes = new ConnectionSlots(clients(http), carriers, LONG, true);
    begin(lanes);
    assertEquals(Protocol.HTTP_2, open.getFirst().protocol());
    endAll();
    for (int n = 0; n < 4; n++) {
      begin(lanes);
    }
    assertEquals(1, connections(5));
  }

  @Test
  void a_connection_closed_by_the_provider_is_not_reused() throws Exception {
    web.useHttps(tls.server());
    web.setDispatcher(
        new mockwebserver3.Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) {
            return new MockResponse.Builder()
                .body("answer")
                .onResponseEnd(new SocketEffect.CloseSocket())
                .build();
          }
        });
    web.start();
    TlsEngines engines =
        ClientTls.engines(tls.trust(), null, List.of(Protocol.HTTP_1_1.toString()));
    OkHttpClient http =
        new OkHttpClient.Builder()
            .sslSocketFactory(new SecureSockets(engines), tls.trust())
            .protocols(List.of(Protocol.HTTP_1_1))
            .build();
    ConnectionSlots lanes = new ConnectionSlots(clients(http), carriers, LONG, false);
    CompletableFuture<Boolean> another = new CompletableFuture<>();
    carriers.execute(
        () -> {
          try {
            begin(lanes);
            ConnectionSlots.ConnectionSlot first = underWay.getFirst();
            endAll();
            ConnectionSlots.ConnectionSlot next = lanes.takeAlone();
            while (next == first) { // until the close arrives; bounded by the test's timeout
              next.close();
              LockSupport.parkNanos(1_000_000);
              next = lanes.takeAlone();
            }
            another.complete(true);
          } catch (IOException e) {
            another.completeExceptionally(e);
          }
        });
    assertTrue(another.get(30, TimeUnit.SECONDS));
  }

  private static ProviderClients clients(OkHttpClient http) {
    OkHttpClient traced = http.newBuilder().eventListenerFactory(AttemptTrace.FACTORY).build();
    return new ProviderClients(Protocol.HTTP_1_1, _ -> completedFuture(traced));
  }

  private void begin(ConnectionSlots lanes) throws IOException {
    ConnectionSlots.ConnectionSlot lane = lanes.take((made, _) -> made.join());
    AttemptTrace trace = new AttemptTrace();
    Request request =
        new Request.Builder().url(web.url("/")).tag(AttemptTrace.class, trace).build();
    Response response = lane.client().newCall(request).execute();
    lane.spoke(response, trace.connection());
    underWay.add(lane);
    open.add(response);
  }

  private void endAll() {
    open.forEach(Response::close);
    underWay.forEach(ConnectionSlots.ConnectionSlot::close);
    open.clear();
    underWay.clear();
  }

  /** The number of connections of the first requests. */
  private int connections(int requests) throws InterruptedException {
    Set<Integer> seen = new HashSet<>();
    for (int n = 0; n < requests; n++) {
      seen.add(web.takeRequest().getConnectionIndex());
    }
    return seen.size();
  }
}
