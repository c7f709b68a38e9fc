package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpOpenListener;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;
import org.xnio.conduits.AbstractStreamSinkConduit;
import org.xnio.conduits.StreamSinkConduit;
import relay.body.BodyBuffers;
import relay.carrier.AnswerDate;
import relay.carrier.Buffers;
import relay.carrier.Carriers;
import relay.carrier.ClientPort;
import relay.memory.MemoryBudget;
import relay.model.Dialect;
import relay.model.HeaderLines;

/** Chunks sent around Undertow, after chunks of its own. */
class DirectChunksTest {
  private static final Duration BOUND = Duration.ofSeconds(20);

  private final Carriers carriers = new Carriers("carrier", 1);
  private final HttpOpenListener undertow =
      new HttpOpenListener(new Buffers(16 * 1024), OptionMap.EMPTY);
  private final CompletableFuture<Integer> sent = new CompletableFuture<>();
  private ClientPort port;
  private volatile int lacking;

  @BeforeEach
  void open() throws IOException {
    undertow.setRootHandler(this::handle);
    port =
        carriers.listen(
            new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 50, this::opened);
  }

  @AfterEach
  void close() {
    port.close();
    carriers.close();
  }

  private void opened(StreamConnection connection) {
    StreamSinkConduit socket = connection.getSinkChannel().getConduit();
    connection.getSinkChannel().setConduit(new Full(socket));
    undertow.handleEvent(connection);
  }

  /** A socket without room for the last bytes of the first write. */
  private final class Full extends AbstractStreamSinkConduit<StreamSinkConduit> {
    Full(StreamSinkConduit socket) {
      super(socket);
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
      ByteBuffer last = sources[offset + length - 1];
      int limit = last.limit();
      last.limit(limit - lacking);
      lacking = 0;
      try {
        return super.write(sources, offset, length);
      } finally {
        last.limit(limit);
      }
    }
  }

  private void handle(HttpServerExchange exchange) {
    MemoryBudget memory = MemoryBudget.ofHeap(256L << 20);
    UndertowExchange client =
        new UndertowExchange(
            exchange,
            Dialect.ANTHROPIC,
            new ClientBounds(
                BOUND,
                BOUND,
                new FramingGuard(undertow, new UnfinishedHeads(memory)),
                new ClientMemory(memory, () -> false),
                new BodyBuffers(memory)),
            new HeaderNames(),
            new AnswerDate(InstantSource.system()),
            carriers);
    exchange.dispatch(carriers.at(exchange.getIoThread()), () -> answer(exchange, client));
  }

  private void answer(HttpServerExchange exchange, UndertowExchange client) {
    try {
      client.begin(200, new HeaderLines(), -1);
      client.write("Hello".getBytes(ISO_8859_1), 0, 5);
      exchange.getIoThread().execute(() -> sendOn(client));
      int n = sent.get(BOUND.toSeconds(), TimeUnit.SECONDS);
      client.write(", world".getBytes(ISO_8859_1), 0, n == 0 ? 7 : 0);
      client.end(new byte[0], 0, 0);
    } catch (Exception e) {
      client.abort();
    }
  }

  private void sendOn(UndertowExchange client) {
    try {
      sent.complete(client.send(ByteBuffer.wrap("07\r\n, world\r\n".getBytes(ISO_8859_1))));
    } catch (IOException e) {
      sent.completeExceptionally(e);
    }
  }

  /** Undertow writes the missing bytes with its next chunk. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void direct_chunks_do_not_overtake_the_line_break_of_the_previous_chunk(int bytes)
      throws Exception {
    lacking = bytes;
    try (Socket client = new Socket(port.address().getAddress(), port.address().getPort())) {
      client
          .getOutputStream()
          .write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".getBytes(ISO_8859_1));
      String answer = new String(client.getInputStream().readAllBytes(), ISO_8859_1);
      assertTrue(answer.endsWith("\r\n\r\n05\r\nHello\r\n07\r\n, world\r\n0\r\n\r\n"), answer);
    }
    assertEquals(bytes == 0, sent.join() > 0);
  }
}
