package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xnio.IoUtils;
import relay.Seeds;
import relay.body.BodyBuffers;
import relay.body.Payload;
import relay.carrier.Carriers;
import relay.carrier.DescriptorReserve;
import relay.guards.Await;
import relay.memory.MemoryBudget;
import relay.pipeline.ClientExchange.Body;

@Tag("slow")
class BodyReaderTest {
  private static final int MAX_BYTES = 1_000_000;
  private static final int PLACES = 256;
  private static final MemoryBudget MEMORY = MemoryBudget.ofHeap(256L << 20);
  private static final Duration PATIENCE = Duration.ofMillis(300);

  private final Seeds seeds = new Seeds();
  private final Carriers carriers = new Carriers("carrier", 1);
  private final BodyBuffers bodies = new BodyBuffers(MEMORY);
  private final BlockingQueue<Body> read = new LinkedBlockingQueue<>();
  private final BlockingQueue<ServerConnection> connections = new LinkedBlockingQueue<>();
  private final Listener listener =
      new Listener(
          true, null, PATIENCE, this::handle, carriers, MEMORY, DescriptorReserve.ofProcess());

  @BeforeEach
  void start() {
    assertEquals(0, bodies.held());
    listener.start("127.0.0.1", 0);
  }

  @AfterEach
  void stop() {
    listener.stop();
    carriers.close();
    assertEquals(0, bodies.held(), "all places were given back");
  }

  private void handle(HttpServerExchange exchange) {
    ClientBounds bounds =
        new ClientBounds(PATIENCE, PATIENCE, listener.guard(), listener.memory(), bodies);
    ClientClosing closing = ClientClosing.of(exchange);
    connections.add(exchange.getConnection());
    exchange.dispatch(
        carriers.at(exchange.getIoThread()),
        () -> {
          read.add(BodyReader.read(exchange, closing, bounds, MAX_BYTES, null));
          exchange.getIoThread().execute(exchange::endExchange);
        });
  }

  private Socket connect() throws IOException {
    return new Socket(InetAddress.ofLiteral("127.0.0.1"), listener.port());
  }

  private static byte[] head(int length) {
    return ("POST / HTTP/1.1\r\nhost: relay.test\r\ncontent-length: " + length + "\r\n\r\n")
        .getBytes(ISO_8859_1);
  }

  private Body next() throws InterruptedException {
    Body body = read.poll(20, TimeUnit.SECONDS);
    assertNotNull(body);
    return body;
  }

  private Payload whole() throws InterruptedException {
    return assertInstanceOf(Body.Whole.class, next()).payload();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8_192, 8_193, 16_000, 51_200, 63_487, 63_488, 65_536, 200_000})
  void a_body_arrives_unchanged_in_one_or_many_pieces(int length) throws Exception {
    Random random = seeds.random(length);
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    try (Socket client = connect()) {
      OutputStream out = client.getOutputStream();
      for (int pieces = 1; pieces <= 4; pieces++) {
        out.write(head(length));
        for (int from = 0; from < length; ) {
          int some =
              pieces == 1
                  ? length
                  : Math.min(length - from, 1 + random.nextInt(length / pieces + 1));
          out.write(bytes, from, some);
          out.flush();
          from += some;
        }
        Payload payload = whole();
        boolean inPlace = length > 8_192 && length < 63_488;
        assertEquals(inPlace, payload.directBuffer() != null);
        assertEquals(inPlace ? 1 : 0, bodies.held());
        assertArrayEquals(bytes, payload.bytes(), seeds.replay(0));
        payload.release();
      }
    }
  }

  @Test
  void when_all_buffers_are_held_bodies_are_arrays() throws Exception {
    byte[] bytes = new byte[10_000];
    List<Payload> held = new ArrayList<>();
    try (Socket client = connect()) {
      for (int n = 0; n < PLACES + 10; n++) {
        seeds.random(n).nextBytes(bytes);
        client.getOutputStream().write(head(bytes.length));
        client.getOutputStream().write(bytes);
        held.add(whole());
      }
    }
    assertEquals(PLACES, bodies.held());
    for (int n = 0; n < held.size(); n++) {
      seeds.random(n).nextBytes(bytes);
      assertEquals(n < PLACES, held.get(n).directBuffer() != null);
      assertArrayEquals(bytes, held.get(n).bytes(), seeds.replay(n));
    }
    held.forEach(Payload::release);
  }

  @Test
  void a_client_that_disconnects_in_the_middle_releases_its_buffer() throws Exception {
    try (Socket client = connect()) {
      client.getOutputStream().write(head(50_000));
      client.getOutputStream().write(new byte[20_000]);
      Await.until("the body is being read", () -> bodies.held() == 1);
    }
    assertInstanceOf(Body.Broken.class, next());
  }

  @Test
  void a_reader_wakes_up_when_its_connection_is_closed_on_this_side() throws Exception {
    try (Socket client = connect()) {
      client.getOutputStream().write(head(50_000));
      client.getOutputStream().write(new byte[49_000]);
      Await.until("the body is being read", () -> bodies.held() == 1);
      ServerConnection connection = connections.take();
      long began = System.nanoTime();
      connection.getIoThread().execute(() -> IoUtils.safeClose(connection));
      assertFalse(next() instanceof Body.Whole);
      assertTrue(System.nanoTime() - began < 2_000_000_000L, "it waited for the client");
    }
  }

  @Test
  void a_client_that_is_too_slow_releases_its_buffer() throws Exception {
    try (Socket client = connect()) {
      client.getOutputStream().write(head(50_000));
      client.getOutputStream().write(new byte[100]);
      assertInstanceOf(Body.TooSlow.class, next());
    }
  }
}
