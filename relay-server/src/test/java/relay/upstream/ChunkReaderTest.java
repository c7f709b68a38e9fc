package relay.upstream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.Seeds;
import relay.body.Payload;
import relay.carrier.Carriers;
import relay.config.ProviderAccess;
import relay.guards.Await;
import relay.upstream.UpstreamCall.Outcome;

/** A reader waits outside OkHttp's code, and never while received bytes are unread. */
@Tag("slow")
class ChunkReaderTest {
  private static final long SECONDS = 20;
  private static final Duration LONG = Duration.ofSeconds(SECONDS);
  private static final String HEAD =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

  private final Seeds seeds = new Seeds();
  private final Carriers carriers = new Carriers("carrier", 1);
  private final Upstream upstream = new Upstream(carriers, LONG, LONG, LONG, () -> false);
  private final ConnectionSlots lanes =
      upstream.lanes(
          URI.create("http://127.0.0.1"), ProviderAccess.DEFAULT, false, Duration.ofSeconds(5));
  private final ByteArrayOutputStream got = new ByteArrayOutputStream();
  private final Semaphore bytesSeen = new Semaphore(0);
  private final CompletableFuture<Thread> reader = new CompletableFuture<>();
  private @Nullable Direct way;
  private ServerSocket server;

  @BeforeEach
  void listen() throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  }

  @AfterEach
  void close() throws IOException {
    upstream.close();
    carriers.close();
    server.close();
  }

  private static String chunk(String data) {
    return Integer.toHexString(data.length()) + "\r\n" + data + "\r\n";
  }

  /** Reads a whole answer; returns the outcome. */
  private CompletableFuture<String> read() {
    CompletableFuture<String> end = new CompletableFuture<>();
    HttpUrl url = HttpUrl.get("http://127.0.0.1:" + server.getLocalPort() + "/v1/messages");
    UpstreamRequest request = new UpstreamRequest(url);
    UpstreamCall call =
        upstream.call(
            lanes,
            request,
            new PlainProtocol(true),
            KeyCredential.none(),
            Payload.of(new byte[] {'{', '}'}));
    carriers.execute(
        () -> {
          reader.complete(Thread.currentThread());
          if (!(call.execute() instanceof Outcome.Answered(UpstreamAnswer answer))) {
            end.complete("no answer");
            return;
          }
          try (answer) {
            if (way != null) {
              answer.sendDirectly(way, way);
            }
            byte[] some = new byte[1024];
            for (int n = answer.read(some, 0, 1024); n >= 0; n = answer.read(some, 0, 1024)) {
              seen(some, 0, n);
            }
            end.complete("whole");
          } catch (IOException e) {
            end.complete("broken");
          }
        });
    return end;
  }

  private void seen(byte[] bytes, int offset, int length) {
    got.write(bytes, offset, length);
    bytesSeen.release(length);
  }

  private interface Direct extends UpstreamAnswer.DirectSink, UpstreamAnswer.DirectTap {}

  /** A sink that is randomly open, closed, or accepts a part. */
  private final class Fickle implements Direct {
    private final Random random;
    private int taken;
    private int onVirtual;

    Fickle(Random random) {
      this.random = random;
    }

    @Override
    public boolean mayBypass(byte[] bytes, int offset, int length) {
      return random.nextInt(10) > 0;
    }

    @Override
    public int send(ByteBuffer chunks) {
      onVirtual += Thread.currentThread().isVirtual() ? 1 : 0;
      int sent =
          switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> 1 + random.nextInt(chunks.remaining());
            default -> chunks.remaining();
          };
      taken += sent;
      return sent;
    }

    @Override
    public void sent(byte[] bytes, int offset, int length) {
      seen(bytes, offset, length);
    }
  }

  /** The provider's socket of a new connection, after its first request. */
  private Socket asked() throws IOException {
    Socket peer = server.accept();
    peer.setSoTimeout((int) TimeUnit.SECONDS.toMillis(SECONDS));
    skipRequest(peer);
    return peer;
  }

  private static void skipRequest(Socket peer) throws IOException {
    InputStream in = peer.getInputStream();
    StringBuilder seen = new StringBuilder();
    while (seen.indexOf("\r\n\r\n{}") < 0) {
      seen.append((char) in.read());
    }
  }

  private void awaitSeen(int bytes, String otherwise) throws InterruptedException {
    assertTrue(bytesSeen.tryAcquire(bytes, SECONDS, TimeUnit.SECONDS), otherwise);
  }

  private static void send(Socket peer, String text) throws IOException {
    peer.getOutputStream().write(text.getBytes(ISO_8859_1));
  }

  /**
   * Pauses at every byte: all data before the pause must arrive, even if it ends within chunk
   * framing.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void all_received_data_is_read_wherever_the_stream_pauses(boolean shorter) throws Exception {
    String large = "x".repeat(9_000) + "\r\n";
    List<String> parts =
        List.of("data: 1\r\n\r\n", "\r\n", "\n", "a", "\r", large, "data: 2\r\n\r\n");
    StringBuilder all = new StringBuilder();
    int[] data = new int[12_000]; // data bytes before each position
    int count = 0;
    for (String part : parts) {
      String chunk = chunk(part);
      int from = chunk.indexOf("\r\n") + 2;
      for (int n = 0; n < chunk.length(); n++) {
        data[all.length() + n] = count + Math.clamp(n - from, 0, part.length());
      }
      all.append(chunk);
      count += part.length();
    }
    int end = all.length();
    Arrays.fill(data, end, data.length, count);
    all.append("0\r\n\r\n");
    TreeSet<Integer> pauses = new TreeSet<>();
    for (int near : new int[] {0, 40, 8_192, end - 40, end}) {
      IntStream.range(Math.max(0, near - 40), Math.min(all.length(), near + 40))
          .forEach(pauses::add);
    }
    assertTrue(pauses.size() > 100);
    try (Socket peer = first()) {
      way = shorter ? new Fickle(seeds.random(0)) : null; // accepts all or nothing
      for (int pause : pauses) {
        got.reset();
        bytesSeen.drainPermits();
        CompletableFuture<String> outcome = read();
        skipRequest(peer);
        send(peer, HEAD + all.substring(0, pause));
        awaitSeen(data[pause], "held back before byte " + pause);
        send(peer, all.substring(pause));
        assertEquals("whole", outcome.get(SECONDS, TimeUnit.SECONDS), "cut before " + pause);
        assertEquals(String.join("", parts), got.toString(ISO_8859_1));
      }
    }
  }

  /** Chunk sizes in all common forms: digits, letters, leading zeros, extensions. */
  private static String size(int bytes, Random random) {
    String digits = Integer.toHexString(bytes);
    return switch (random.nextInt(8)) {
      case 0 -> digits.toUpperCase(Locale.ROOT);
      case 1 -> "0".repeat(random.nextInt(9)) + digits;
      case 2 -> digits + ";name=value";
      case 3 -> digits + " ";
      default -> digits;
    };
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void data_arrives_for_any_chunk_format_and_split(boolean shorter) throws Exception {
    int taken = 0;
    try (Socket peer = first()) {
      for (int n = 0; n < seeds.tries(300); n++) {
        Random random = seeds.random(n);
        Fickle fickle = new Fickle(seeds.random(n));
        way = shorter ? fickle : null;
        StringBuilder sent = new StringBuilder(HEAD);
        StringBuilder data = new StringBuilder();
        TreeSet<Integer> ends = new TreeSet<>(List.of(sent.length()));
        for (int chunks = random.nextInt(60); chunks > 0; chunks--) {
          int length = 1 + random.nextInt(random.nextInt(20) == 0 ? 20_000 : 300);
          String some =
              random
                  .ints(length, 0, 4)
                  .mapToObj("\r\n0a"::substring)
                  .map(rest -> rest.substring(0, 1))
                  .collect(joining());
          sent.append(size(length, random)).append("\r\n").append(some).append("\r\n");
          data.append(some);
          ends.add(sent.length());
        }
        sent.append("0\r\n\r\n");
        got.reset();
        CompletableFuture<String> outcome = read();
        skipRequest(peer);
        boolean whole = random.nextBoolean();
        for (int from = 0; from < sent.length(); ) {
          int to =
              Math.min(
                  sent.length(), from + 1 + random.nextInt(random.nextInt(4) == 0 ? 40 : 9_000));
          Integer end = ends.ceiling(to);
          to = whole && end != null ? end : to;
          send(peer, sent.substring(from, to));
          from = to;
        }
        assertEquals("whole", outcome.get(SECONDS, TimeUnit.SECONDS), seeds.replay(n));
        assertEquals(data.toString(), got.toString(ISO_8859_1), seeds.replay(n));
        assertEquals(0, fickle.onVirtual, seeds.replay(n));
        taken += fickle.taken;
      }
    }
    assertTrue(!shorter || taken > 0 || seeds.tries(2) == 1);
  }

  /** The socket of the first connection. All requests must reuse it. */
  private Socket first() throws Exception {
    CompletableFuture<String> outcome = read();
    Socket peer = asked();
    peer.setTcpNoDelay(true); // otherwise delayed ACKs add 40 ms to each pause
    send(peer, HEAD + "0\r\n\r\n");
    assertEquals("whole", outcome.get(SECONDS, TimeUnit.SECONDS));
    return peer;
  }

  @ParameterizedTest
  @ValueSource(strings = {"9\r\ndata: 1\n\n\r\n", "00000009 ;a=b\r\ndata: 1\n\n\r\n"})
  void a_waiting_reader_has_no_okhttp_frames_on_its_stack(String chunk) throws Exception {
    CompletableFuture<String> outcome = read();
    try (Socket peer = asked()) {
      send(peer, HEAD + chunk);
      awaitSeen(9, "the first event is held back");
      Thread waiting = reader.get();
      Await.until("it waits", () -> waiting.getState() == Thread.State.WAITING);
      List<String> stack =
          Arrays.stream(waiting.getStackTrace()).map(StackTraceElement::getClassName).toList();
      assertTrue(stack.contains(ChunkReader.class.getName()), stack.toString());
      assertFalse(stack.stream().anyMatch(name -> name.startsWith("okhttp3")), stack.toString());
      send(peer, "0\r\n\r\n");
      assertEquals("whole", outcome.get(SECONDS, TimeUnit.SECONDS));
    }
  }

  /** Single events take the shortcut; the reading thread stays parked until it is needed. */
  @Test
  void single_events_take_the_shortcut_and_the_end_does_not() throws Exception {
    List<String> chunks = new CopyOnWriteArrayList<>();
    List<String> seen = new CopyOnWriteArrayList<>();
    way =
        new Direct() {
          @Override
          public boolean mayBypass(byte[] bytes, int offset, int length) {
            return bytes[offset] == 'd';
          }

          @Override
          public int send(ByteBuffer all) {
            chunks.add(ISO_8859_1.decode(all).toString());
            return chunks.getLast().length();
          }

          @Override
          public void sent(byte[] bytes, int offset, int length) {
            seen.add(new String(bytes, offset, length, ISO_8859_1));
          }
        };
    CompletableFuture<String> outcome = read();
    try (Socket peer = asked()) {
      send(peer, HEAD + chunk("data: 0\n\n"));
      awaitSeen(9, "the first event is held back");
      Await.until("it waits", () -> reader.get().getState() == Thread.State.WAITING);
      for (int n = 1; n <= 3; n++) {
        String two = chunk("data: " + n + "\n\n") + chunk("data: x\n\n");
        send(peer, two);
        Await.until("it went", () -> chunks.contains(two));
      }
      send(peer, chunk("data: 4\n\n") + chunk(": none\n\n"));
      awaitSeen(17, "what may not go is held back");
      send(peer, "0\r\n\r\n");
      assertEquals("whole", outcome.get(SECONDS, TimeUnit.SECONDS));
    }
    assertEquals(3, chunks.size());
    String x = "data: x\n\n";
    assertEquals(List.of("data: 1\n\n", x, "data: 2\n\n", x, "data: 3\n\n", x), seen);
    assertEquals("data: 0\n\ndata: 4\n\n: none\n\n", got.toString(ISO_8859_1));
  }

  @Test
  void a_waiting_reader_gets_a_connection_failure() throws Exception {
    CompletableFuture<String> outcome = read();
    try (Socket peer = asked()) {
      send(peer, HEAD + chunk("data: 1\n\n"));
      awaitSeen(9, "the first event is held back");
    }
    assertEquals("broken", outcome.get(SECONDS, TimeUnit.SECONDS));
  }

  /** The chunk does not end with a line break: OkHttp must report this now, not after more data. */
  @Test
  void a_fault_after_a_chunk_is_reported_at_once() throws Exception {
    CompletableFuture<String> outcome = read();
    try (Socket peer = asked()) {
      send(peer, HEAD + "1\r\na\n\n");
      assertEquals("broken", outcome.get(SECONDS, TimeUnit.SECONDS));
    }
  }
}
