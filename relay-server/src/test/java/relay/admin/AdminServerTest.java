package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.config.Config;
import relay.pool.Configs;

/** The admin server's single carrier under many and slow requests. */
@Tag("slow")
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class AdminServerTest {
  private static final Config CONFIG = Configs.of(Configs.POOLS);

  private static final Duration PATIENCE = Duration.ofMillis(500);

  @AutoClose private final ServedPools served = ServedPools.of(CONFIG);

  AdminServerTest() throws Exception {}

  @Test
  void concurrent_requests_take_turns() throws Exception {
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

  @ParameterizedTest
  @ValueSource(strings = {"/pools", "/metrics", "/clients", "/healthz"})
  void requests_that_follow_at_once_are_all_answered_in_order(String path) throws Exception {
    String one = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    String last = "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    try (AdminServer server = served.serve();
        Socket client = connected(server, one + one + "\r\n" + one + last)) {
      String all = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(
          List.of(
              "HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"),
          Pattern.compile("HTTP/1\\.1 [0-9]{3} [A-Za-z ]+")
              .matcher(all)
              .results()
              .map(MatchResult::group)
              .toList());
    }
  }

  @Test
  void a_line_end_after_a_request_changes_nothing() throws Exception {
    String one = "GET /pools HTTP/1.1\r\nHost: localhost\r\n\r\n";
    try (AdminServer server = served.serve();
        Socket client = connected(server, one + "\r\n")) {
      assertEquals(
          "HTTP/1.1 200",
          new String(client.getInputStream().readNBytes(12), StandardCharsets.US_ASCII));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gzip, true",
    "'deflate, gzip;q=0.5', true",
    "GZIP, true",
    "identity, false",
    "'gzip;q=0', false"
  })
  void metrics_are_compressed_for_scrapers_that_take_it(String accepted, boolean zipped)
      throws Exception {
    String text = "relay_up 1\n".repeat(10_000);
    try (AdminServer server = served.serve(CONFIG, served.pools(), Readiness.Ready::new, text)) {
      HttpResponse<byte[]> answer =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(
                          URI.create("http://127.0.0.1:" + server.port() + "/metrics"))
                      .header("accept-encoding", accepted)
                      .build(),
                  HttpResponse.BodyHandlers.ofByteArray());
      assertEquals(
          zipped ? "gzip" : "", answer.headers().firstValue("content-encoding").orElse(""));
      InputStream body = new ByteArrayInputStream(answer.body());
      try (InputStream plain = zipped ? new GZIPInputStream(body) : body) {
        assertEquals(text, new String(plain.readAllBytes(), StandardCharsets.UTF_8));
      }
      assertEquals(zipped, answer.body().length < text.length() / 10);
    }
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
  void missing_bodies_do_not_block_other_requests() throws Exception {
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
  void a_long_answer_waits_for_its_reader_without_blocking_others() throws Exception {
    String text = "relay_up 1\n".repeat(1_500_000);
    try (AdminServer server = served.serve(CONFIG, served.pools(), Readiness.Ready::new, text);
        Socket slow = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      slow.getOutputStream()
          .write(
              "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      assertEquals('H', slow.getInputStream().read());
      assertEquals(200, new RawHttp(server.port()).get("/pools").status()); // served meanwhile
      String rest = new String(slow.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertEquals(text, rest.substring(rest.indexOf("\r\n\r\n") + 4));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc",
        "POST /pools HTTP/1.1\r\n"
            + "Host: localhost\r\n"
            + "Origin: http://a.b\r\n"
            + "Content-Length: 9\r\n\r\n",
        "POST /pools HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      })
  void a_missing_body_times_out(String request) throws Exception {
    try (AdminServer server = impatient("");
        Socket stalled = connected(server, request)) {
      stalled.getInputStream().readAllBytes(); // blocks until Relay closes the connection
    }
  }

  @Test
  void a_body_sent_byte_by_byte_times_out() throws Exception {
    String head = "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n";
    try (AdminServer server = impatient("");
        Socket slow = connected(server, head)) {
      assertThrows(
          IOException.class,
          () -> {
            for (int n = 0; n < 3_000; n++) {
              LockSupport.parkNanos(PATIENCE.toNanos() / 20);
              slow.getOutputStream().write('a');
            }
          });
    }
  }

  @Test
  void a_slow_reader_is_served_and_a_stalled_one_is_disconnected() throws Exception {
    String text = "relay_up 1\n".repeat(1_500_000);
    String request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    try (AdminServer server = impatient(text);
        Socket slow = connected(server, request);
        Socket dead = connected(server, request)) {
      long length = 0;
      for (int n = 0; n < 60; n++) {
        LockSupport.parkNanos(PATIENCE.toNanos() / 5);
        length += slow.getInputStream().readNBytes(text.length() / 70).length;
      }
      length += slow.getInputStream().readAllBytes().length;
      assertTrue(length > text.length());
      assertTrue(read(dead) < text.length());
    }
  }

  /** The number of bytes received before the connection was closed. */
  private static long read(Socket socket) throws IOException {
    byte[] some = new byte[64 * 1024];
    long length = 0;
    try {
      for (int n = socket.getInputStream().read(some);
          n >= 0;
          n = socket.getInputStream().read(some)) {
        length += n;
      }
    } catch (SocketException e) {
      return length; // connection reset
    }
    return length;
  }

  private AdminServer impatient(String metrics) {
    return served.serve(PATIENCE, CONFIG, served.pools(), Readiness.Ready::new, metrics);
  }

  private static Socket connected(AdminServer server, String request) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    socket.setSoTimeout(20_000);
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }
}
