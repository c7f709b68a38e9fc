package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.undertow.server.HttpHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import relay.body.BodyBuffers;
import relay.carrier.Carriers;
import relay.carrier.DescriptorReserve;
import relay.config.TlsConfig;
import relay.memory.MemoryBudget;

/** A listener on loopback whose requests run on one carrier. */
final class OneCarrierListener implements AutoCloseable {
  private final Carriers carriers = new Carriers("carrier", 1);
  private final MemoryBudget memory = MemoryBudget.ofHeap(256L << 20);
  private final Listener listener;

  OneCarrierListener(HttpHandler handler) {
    this(handler, null);
  }

  OneCarrierListener(HttpHandler handler, @Nullable TlsConfig tls) {
    listener =
        new Listener(
            true,
            tls,
            Duration.ofSeconds(30),
            handler,
            carriers,
            memory,
            DescriptorReserve.ofProcess());
    listener.start("127.0.0.1", 0);
  }

  Carriers carriers() {
    return carriers;
  }

  /** Bounds for its exchanges. */
  ClientBounds bounds(Duration patience) {
    return new ClientBounds(
        patience, patience, listener.guard(), listener.memory(), new BodyBuffers(memory));
  }

  int port() {
    return listener.port();
  }

  /** Connects, and sends some text. */
  Socket connect(String text) throws IOException {
    Socket client = new Socket(InetAddress.ofLiteral("127.0.0.1"), listener.port());
    client.getOutputStream().write(text.getBytes(ISO_8859_1));
    return client;
  }

  @Override
  public void close() {
    listener.stop();
    carriers.close();
  }
}
