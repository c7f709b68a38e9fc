package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import relay.config.Config;
import relay.embedded.EmbeddedRedis;
import relay.pool.Configs;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;

/** Its one carrier, with many requests and with slow ones. */
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class AdminServerTest {
  private static final Config CONFIG = Configs.of(Configs.POOLS);

  private EmbeddedRedis redis;
  private RedisEngine engine;
  private List<KeyPool> pools;

  @BeforeAll
  void start() throws Exception {
    redis = EmbeddedRedis.start();
    engine = RedisEngine.start(Configs.replica(CONFIG, redis.url(), "r-1"));
    pools = CONFIG.enabledProviders().stream().map(Plans::of).map(engine::pool).toList();
  }

  @AfterAll
  void stop() {
    engine.close();
    redis.close();
  }

  private AdminServer serve(String metrics) {
    AdminServer started =
        new AdminServer(
            CONFIG.server(),
            Readiness.Ready::new,
            () -> metrics,
            () -> pools,
            engine::breaker,
            null,
            Plans.tally(engine, CONFIG.server().auth()));
    started.start("127.0.0.1", 0);
    return started;
  }

  @Test
  void many_at_once_take_turns() throws Exception {
    AtomicInteger served = new AtomicInteger();
    try (AdminServer server = serve("")) {
      RawHttp http = new RawHttp(server.port());
      List<Thread> clients =
          IntStream.range(0, 120)
              .mapToObj(n -> Thread.ofVirtual().start(() -> count(http, served)))
              .toList();
      for (Thread client : clients) {
        client.join();
      }
    }
    assertEquals(120, served.get());
  }

  private static void count(RawHttp http, AtomicInteger served) {
    try {
      if (http.get("/pools").status() == 200) {
        served.incrementAndGet();
      }
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void a_long_answer_waits_for_its_reader_and_holds_up_nobody() throws Exception {
    String text = "relay_up 1\n".repeat(1_500_000);
    try (AdminServer server = serve(text);
        Socket slow = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      slow.getOutputStream()
          .write(
              "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      assertEquals('H', slow.getInputStream().read());
      assertEquals(200, new RawHttp(server.port()).get("/pools").status()); // meanwhile
      String rest = new String(slow.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertEquals(text, rest.substring(rest.indexOf("\r\n\r\n") + 4));
    }
  }
}
