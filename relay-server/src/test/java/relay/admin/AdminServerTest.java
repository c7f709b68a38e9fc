package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
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
import relay.pool.Configs;

/** Its one carrier, with many requests and with slow ones. */
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class AdminServerTest {
  private static final Config CONFIG = Configs.of(Configs.POOLS);

  private ServedPools served;

  @BeforeAll
  void start() throws Exception {
    served = ServedPools.of(CONFIG);
  }

  @AfterAll
  void stop() {
    served.close();
  }

  @Test
  void many_at_once_take_turns() throws Exception {
    AtomicInteger answered = new AtomicInteger();
    try (AdminServer server = served.serve()) {
      RawHttp http = new RawHttp(server.port());
      List<Thread> clients =
          IntStream.range(0, 120)
              .mapToObj(n -> Thread.ofVirtual().start(() -> count(http, answered)))
              .toList();
      for (Thread client : clients) {
        client.join();
      }
    }
    assertEquals(120, answered.get());
  }

  private static void count(RawHttp http, AtomicInteger answered) {
    try {
      if (http.get("/pools").status() == 200) {
        answered.incrementAndGet();
      }
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void bodies_that_do_not_come_keep_nobody_out() throws Exception {
    List<Socket> stalled = new ArrayList<>();
    try (AdminServer server = served.serve()) {
      for (int n = 0; n < 200; n++) {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
        stalled.add(socket);
        socket
            .getOutputStream()
            .write(
                "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII));
      }
      assertEquals(200, new RawHttp(server.port()).get("/pools").status());
    } finally {
      for (Socket socket : stalled) {
        socket.close();
      }
    }
  }

  @Test
  void a_long_answer_waits_for_its_reader_and_holds_up_nobody() throws Exception {
    String text = "relay_up 1\n".repeat(1_500_000);
    try (AdminServer server = served.serve(CONFIG, served.pools(), Readiness.Ready::new, text);
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
