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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.HeaderBlock;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Clients of HTTP/2 without a credential, or with one, that take nothing, or send what is no
 * request. A replica with a heap of 256 MB serves others meanwhile, and stays small.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Http2AttackTest {
  private static final long MOST_KIB = 560 * 1024;
  private static final int HEADERS = 1;
  private static final int SETTINGS = 4;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas =
      new Setup()
          .http2()
          .jvm("-Xmx256m")
          .jvm("-XX:+ExitOnOutOfMemoryError")
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
          .start(1);

  Http2AttackTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  @AfterEach
  void the_replica_lives_and_everything_is_given_back() throws Exception {
    assertTrue(replicas.get(0).isAlive(), replicas.get(0).log());
    String log = replicas.get(0).log();
    assertFalse(log.contains("OutOfMemory") || log.contains("Cannot reserve"), log);
    assertTrue(mostKib() < MOST_KIB, "resident: " + mostKib() / 1024 + " MiB");
    Await.until(
        "the budget is unused",
        Duration.ofSeconds(30),
        () -> replicas.metric(0, "relay_memory_used_bytes") == 0);
  }

  /** The largest resident memory of the process so far. */
  private long mostKib() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + replicas.get(0).pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow();
  }

  private void isServed() throws IOException {
    assertEquals(
        200, RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "anthropic")).status());
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    ByteBuffer frame = ByteBuffer.allocate(9 + payload.length);
    frame.putInt(payload.length << 8 | type).put((byte) flags).putInt(stream).put(payload);
    return frame.array();
  }

  private static byte[] preface(int... settings) {
    ByteBuffer payload = ByteBuffer.allocate(settings.length * 3);
    for (int n = 0; n < settings.length; n += 2) {
      payload.putShort((short) settings[n]).putInt(settings[n + 1]);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(ISO_8859_1));
    out.writeBytes(frame(SETTINGS, 0, 0, payload.array()));
    return out.toByteArray();
  }

  private static byte[] head(int stream, int flags, String method, String path, String key) {
    Map<String, String> lines = new LinkedHashMap<>();
    lines.put(":method", method);
    lines.put(":scheme", "http");
    lines.put(":authority", "a");
    lines.put(":path", path);
    if (!key.isEmpty()) {
      lines.put("x-api-key", key);
      lines.put("content-type", "application/json");
    }
    return frame(HEADERS, flags | END_HEADERS, stream, HeaderBlock.of(lines));
  }

  /** Connections whose clients never read, unless stated. */
  private final class Crowd implements AutoCloseable {
    final List<SocketChannel> channels = new ArrayList<>();

    /** Opens some, and sends what their sockets take. */
    Crowd(int count, byte[] first) throws IOException {
      for (int n = 0; n < count; n++) {
        SocketChannel channel =
            SocketChannel.open(
                new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), replicas.port(0)));
        channels.add(channel);
        channel.write(ByteBuffer.wrap(first));
        channel.configureBlocking(false);
      }
    }

    /** The bytes of it that the socket takes; -1 if it is closed. */
    int write(int n, byte[] bytes) {
      try {
        return channels.get(n).write(ByteBuffer.wrap(bytes));
      } catch (IOException e) {
        return -1;
      }
    }

    boolean isClosed(int n) {
      try {
        ByteBuffer some = ByteBuffer.allocate(16 * 1024);
        int read = channels.get(n).read(some);
        while (read > 0) {
          read = channels.get(n).read(some.clear());
        }
        return read < 0;
      } catch (IOException e) {
        return true;
      }
    }

    @Override
    public void close() throws IOException {
      for (SocketChannel channel : channels) {
        channel.close();
      }
    }
  }

  private static byte[] requests(int from, int count, String path) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int n = 0; n < count; n++) {
      out.writeBytes(head(from + 2 * n, END_STREAM, "GET", path, ""));
    }
    return out.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/nothing", "/", "/v1/models"})
  void streams_that_cannot_end_for_want_of_a_window(String path) throws Exception {
    try (Crowd crowd = new Crowd(0, new byte[0])) {
      for (int n = 0; n < 100; n++) {
        try (Crowd next = new Crowd(1, preface(4, 0))) {
          next.write(0, requests(1, 990, path));
          crowd.channels.addAll(next.channels);
          next.channels.clear();
        }
        if (n % 25 == 5) {
          isServed();
        }
      }
      isServed();
      assertTrue(replicas.metric(0, "relay_memory_used_bytes") > 0, "it is not charged");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/nothing", "/", "/v1/models"})
  void answers_that_are_not_read(String path) throws Exception {
    try (Crowd crowd = new Crowd(4, preface(4, 0x7fffffff))) {
      byte[] window = frame(8, 0, 0, new byte[] {0x7f, 0, 0, 0});
      for (int n = 0; n < 4; n++) {
        crowd.write(n, window);
      }
      sendWhileTaken(crowd, path);
      isServed();
    }
  }

  /** Sends requests until no connection takes more for a while, or 40 MB. */
  private void sendWhileTaken(Crowd crowd, String path) throws Exception {
    byte[][] rest = new byte[4][0];
    int[] stream = {1, 1, 1, 1};
    int quiet = 0;
    for (long all = 0; all < 40_000_000 && quiet < 8; ) {
      boolean taken = false;
      for (int n = 0; n < 4; n++) {
        if (rest[n].length == 0) {
          rest[n] = requests(stream[n], 1_000, path);
          stream[n] += 2_000;
        }
        int written = crowd.write(n, rest[n]);
        if (written > 0) {
          taken = true;
          all += written;
          rest[n] = Arrays.copyOfRange(rest[n], written, rest[n].length);
        }
      }
      quiet = taken ? 0 : quiet + 1;
      isServed(); // also gives the replica time to read
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"unknown", "PRIORITY", "PING", "SETTINGS", "WINDOW_UPDATE", "DATA"})
  void a_flood_of_frames_that_are_no_request_ends_its_connection(String kind) throws Exception {
    byte[] one =
        switch (kind) {
          case "PRIORITY" -> frame(2, 0, 1001, new byte[] {0, 0, 0, 0, 1});
          case "PING" -> frame(6, 0, 0, new byte[8]);
          case "SETTINGS" -> frame(4, 0, 0, new byte[0]);
          case "WINDOW_UPDATE" -> frame(8, 0, 0, new byte[] {0, 0, 0, 1});
          case "DATA" -> frame(0, 0, 1, new byte[0]);
          default -> frame(77, 0, 0, new byte[0]);
        };
    ByteArrayOutputStream many = new ByteArrayOutputStream();
    for (int n = 0; n < 10_000; n++) {
      many.writeBytes(one);
    }
    ByteArrayOutputStream first = new ByteArrayOutputStream();
    first.writeBytes(preface());
    first.writeBytes(head(1, 0, "POST", "/v1/messages", Ask.CLIENT_KEY));
    try (Crowd crowd = new Crowd(4, first.toByteArray())) {
      boolean[] ended = new boolean[4];
      int[] sent = new int[4]; // goes on where the socket was full: else other frames arrive
      byte[] flood = many.toByteArray();
      Await.until(
          "all are closed",
          Duration.ofSeconds(60),
          () -> {
            boolean all = true;
            for (int n = 0; n < 4; n++) {
              int written = crowd.write(n, Arrays.copyOfRange(flood, sent[n], flood.length));
              sent[n] = (sent[n] + Math.max(0, written)) % flood.length;
              ended[n] = ended[n] || written < 0 || crowd.isClosed(n);
              all &= ended[n];
            }
            isServed();
            return all;
          });
    }
  }

  @Test
  void more_streams_than_announced_wait_unread() throws Exception {
    ByteArrayOutputStream heads = new ByteArrayOutputStream();
    for (int n = 0; n < 6_000; n++) {
      heads.writeBytes(head(1 + 2 * n, 0, "POST", "/v1/messages", Ask.CLIENT_KEY));
    }
    try (Crowd crowd = new Crowd(2, preface())) {
      byte[] all = heads.toByteArray();
      int[] at = new int[2];
      double most = 0;
      for (int round = 0; round < 60; round++) {
        for (int n = 0; n < 2; n++) {
          byte[] rest = Arrays.copyOfRange(all, at[n], all.length);
          at[n] += Math.max(0, crowd.write(n, rest));
        }
        double inFlight = replicas.metric(0, "relay_inflight");
        assertTrue(inFlight <= 2 * 1_001 + 1, "in flight: " + inFlight);
        most = Math.max(most, inFlight);
      }
      assertTrue(most > 0, "none was ever in flight");
      isServed();
    }
  }

  @Test
  void requests_that_are_reset_at_once() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int n = 0; n < 5_000; n++) {
      out.writeBytes(head(1 + 2 * n, END_STREAM, "GET", "/nothing", ""));
      out.writeBytes(frame(3, 0, 1 + 2 * n, new byte[] {0, 0, 0, 8}));
    }
    try (Crowd crowd = new Crowd(20, preface(4, 0))) {
      for (int n = 0; n < 20; n++) {
        crowd.write(n, out.toByteArray());
        isServed();
      }
    }
  }
}
