package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.HeaderBlock;
import relay.guards.Await;
import relay.model.Dialect;

/** Peers that make a replica with a heap of 256 MB hold as much as they can. It serves on. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MemoryAttackTest {
  /** The parser's buffers for their heads would take 720 MB. */
  private static final int STRANGERS = 3_000;

  private static final int HTTP2_STRANGERS = 2_000;
  private static final int HEAD_BYTES = 120_000;
  private static final int ADMIN_STRANGERS = 400;
  private static final int ADMIN_HEAD_BYTES = 780_000;
  private static final int LARGE_BODIES = 8;
  private static final int BODY_BYTES = 30_000_000;

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas =
      new Setup()
          .http2()
          .jvm("-XX:+ExitOnOutOfMemoryError")
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
          .start(1);

  MemoryAttackTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  @AfterEach
  void the_replica_lives_and_everything_is_given_back() throws Exception {
    assertTrue(replicas.get(0).isAlive(), replicas.get(0).log());
    assertFalse(replicas.get(0).log().contains("OutOfMemory"), replicas.get(0).log());
    Await.until("the budget is unused", () -> metric("relay_memory_used_bytes") == 0);
  }

  private long metric(String name) throws IOException {
    for (String line : replicas.admin(0, "/metrics").text().split("\n", -1)) {
      if (line.startsWith(name + " ")) {
        return (long) Double.parseDouble(line.substring(name.length() + 1));
      }
    }
    throw new AssertionError("no " + name);
  }

  private void isServed() throws IOException {
    assertEquals(
        200, RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "anthropic")).status());
    assertTrue(metric("relay_memory_used_bytes") <= metric("relay_memory_budget_bytes"));
  }

  private static byte[] unfinishedHead(int bytes) {
    return ("POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-line: " + "x".repeat(bytes))
        .getBytes(ISO_8859_1);
  }

  /** HEADERS and CONTINUATION frames, each with a literal header, and none with END_HEADERS. */
  private static byte[] unfinishedHttp2Head(int bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(ISO_8859_1));
    out.writeBytes(new byte[] {0, 0, 0, 4, 0, 0, 0, 0, 0}); // SETTINGS
    byte[] block = HeaderBlock.of(Map.of("x-a", "x".repeat(8_000)));
    for (int n = 0; n < bytes / block.length; n++) {
      int type = n == 0 ? 1 : 9;
      int length = block.length;
      out.writeBytes(
          new byte[] {0, (byte) (length >> 8), (byte) length, (byte) type, 0, 0, 0, 0, 1});
      out.writeBytes(block);
    }
    return out.toByteArray();
  }

  private void send(int port, int connections, byte[] head) throws IOException {
    List<SocketChannel> crowd = new ArrayList<>();
    try {
      for (int n = 0; n < connections; n++) {
        SocketChannel channel =
            SocketChannel.open(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
        crowd.add(channel);
        try {
          channel.write(ByteBuffer.wrap(head));
        } catch (IOException e) {
          continue; // the replica has closed it already
        }
        if (n % (connections / 4) == connections / 8) {
          isServed();
        }
      }
      isServed();
    } finally {
      for (SocketChannel channel : crowd) {
        channel.close();
      }
    }
  }

  @Test
  void thousands_of_unfinished_heads_of_120_kb_do_not_stop_it() throws Exception {
    send(replicas.port(0), STRANGERS, unfinishedHead(HEAD_BYTES));
  }

  @Test
  void unfinished_heads_over_http_2_do_not_stop_it() throws Exception {
    send(replicas.port(0), HTTP2_STRANGERS, unfinishedHttp2Head(HEAD_BYTES));
  }

  @Test
  void four_hundred_heads_of_780_kb_on_the_admin_port_do_not_stop_it() throws Exception {
    send(replicas.get(0).adminPort(), ADMIN_STRANGERS, unfinishedHead(ADMIN_HEAD_BYTES));
  }

  private static String large(int bytes) {
    return "\"x\":\"" + "x".repeat(bytes) + "\",";
  }

  @Test
  void of_eight_bodies_of_30_mb_at_once_those_without_room_are_told_to_try_again()
      throws Exception {
    byte[] body = Ask.body("anthropic", large(BODY_BYTES)).getBytes(ISO_8859_1);
    byte[] request = Ask.of(Dialect.ANTHROPIC, "").body(body).bytes();
    List<Callable<Answer>> calls = new ArrayList<>();
    for (int n = 0; n < LARGE_BODIES; n++) {
      calls.add(
          () -> {
            try (RawClient wire = new RawClient(replicas.port(0))) {
              return wire.send(request).answer();
            }
          });
    }
    int served = 0;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Answer>> answers = new ArrayList<>();
      calls.forEach(call -> answers.add(threads.submit(call)));
      isServed();
      for (Future<Answer> each : answers) {
        Answer answer = each.get();
        if (answer.status() == 200) {
          served++;
        } else {
          Errors.relays(answer, Dialect.ANTHROPIC, 529, "overloaded_error");
          assertEquals("1", answer.header("retry-after"));
        }
      }
    }
    assertTrue(served > 0);
  }

  @Test
  void a_body_that_trickles_makes_room_for_another() throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "").body(Ask.body("anthropic", large(BODY_BYTES)));
    byte[] request = ask.bytes();
    try (RawClient slow = new RawClient(replicas.port(0))) {
      slow.send(Arrays.copyOf(request, request.length / 2));
      Await.until("the budget is held", () -> metric("relay_memory_used_bytes") >= 2L * BODY_BYTES);
      Await.until(
          "another body passes",
          Duration.ofSeconds(30),
          () -> {
            int status = RawClient.ask(replicas.port(0), ask).status();
            assertTrue(status == 200 || status == 529, "status " + status);
            return status == 200;
          });
      Errors.relays(slow.answer(), Dialect.ANTHROPIC, 408, "timeout_error");
    }
  }
}
