package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/** Slow clients must not affect others. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SlowClientTest {
  private static final int CROWD = 5_000;
  private static final int BODY_BYTES = 2_000_000;

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas quick = replicas("1500");
  private final Replicas patient = replicas("60000");

  SlowClientTest() throws Exception {}

  private Replicas replicas(String patienceMs) throws Exception {
    return new Setup()
        .jvm("-Drelay.timings=patience=" + patienceMs)
        .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
        .start(1);
  }

  @AfterAll
  void close() throws Exception {
    quick.close();
    patient.close();
    provider.close();
  }

  private static byte[] request() {
    return Ask.of(Dialect.ANTHROPIC, "anthropic").bytes();
  }

  private static int headLength(byte[] request) {
    return new String(request, ISO_8859_1).indexOf("\r\n\r\n") + 4;
  }

  @Test
  void a_head_sent_byte_by_byte_times_out() throws Exception {
    byte[] request = request();
    try (RawClient wire = new RawClient(quick.port(0))) {
      Thread sender =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      for (int n = 0; n < headLength(request) - 1; n++) {
                        wire.send(new byte[] {request[n]});
                        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
                      }
                    } catch (IOException e) {
                      return; // closed, as expected
                    }
                  });
      assertThrows(IOException.class, wire::head);
      sender.join();
    }
  }

  @Test
  void a_body_sent_byte_by_byte_times_out() throws Exception {
    int before = provider.received().size();
    for (int chunk : new int[] {0, 1}) {
      Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic");
      byte[] request = chunk == 0 ? ask.bytes() : ask.chunked(chunk).bytes();
      int head = headLength(request);
      try (RawClient wire = new RawClient(quick.port(0))) {
        wire.send(Arrays.copyOf(request, head));
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    for (int n = head; n < request.length - 1; n++) {
                      wire.send(new byte[] {request[n]});
                      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
                    }
                  } catch (IOException e) {
                    return; // closed, as expected
                  }
                });
        Errors.relays(wire.answer(), Dialect.ANTHROPIC, 408, "timeout_error");
      }
    }
    assertEquals(before, provider.received().size());
  }

  @Test
  void the_timeout_of_a_large_body_grows_with_its_progress() throws Exception {
    String members = "\"x\":\"" + "x".repeat(100_000) + "\",";
    byte[] request = Ask.of(Dialect.ANTHROPIC, "").body(Ask.body("anthropic", members)).bytes();
    try (RawClient wire = new RawClient(quick.port(0))) {
      for (int from = 0; from < request.length; from += 5_000) {
        wire.send(Arrays.copyOfRange(request, from, Math.min(request.length, from + 5_000)));
        LockSupport.parkNanos(
            TimeUnit.MILLISECONDS.toNanos(100)); // in total longer than the client timeout
      }
      assertEquals(200, wire.answer().status());
    }
  }

  /** The heap is 256 MB. Buffers of the announced sizes would need 10 GB. */
  @Test
  void many_clients_that_announce_much_and_send_little_do_not_affect_others() throws Exception {
    byte[] head = request();
    String announces =
        new String(head, 0, headLength(head), ISO_8859_1)
            .replaceFirst("content-length: \\d+", "content-length: " + BODY_BYTES);
    List<SocketChannel> crowd = new ArrayList<>();
    InetSocketAddress address =
        new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), patient.port(0));
    try {
      for (int n = 0; n < CROWD; n++) {
        SocketChannel channel = SocketChannel.open(address);
        crowd.add(channel);
        String sends =
            switch (n % 4) {
              case 0 -> "";
              case 1 -> announces.substring(0, 20 + n % 60);
              case 2 -> announces;
              default -> announces + "{\"model\":";
            };
        channel.write(ByteBuffer.wrap(sends.getBytes(ISO_8859_1)));
        if (n % 500 == 0) {
          assertEquals(
              200, RawClient.ask(patient.port(0), Ask.of(Dialect.ANTHROPIC, "anthropic")).status());
        }
      }
      for (int n = 0; n < 50; n++) {
        assertEquals(
            200, RawClient.ask(patient.port(0), Ask.of(Dialect.ANTHROPIC, "anthropic")).status());
      }
      assertTrue(patient.get(0).isAlive());
      assertTrue(!patient.get(0).log().contains("OutOfMemory"), patient.get(0).log());
    } finally {
      for (SocketChannel channel : crowd) {
        channel.close();
      }
    }
    Await.until("they are forgotten", () -> running() == 0);
  }

  private int running() throws IOException {
    for (String line : patient.admin(0, "/metrics").text().split("\n", -1)) {
      if (line.startsWith("relay_inflight ")) {
        return (int) Double.parseDouble(line.substring(15));
      }
    }
    throw new AssertionError("no relay_inflight");
  }
}
