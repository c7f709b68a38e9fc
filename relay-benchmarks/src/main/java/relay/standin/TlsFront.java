package relay.standin;

import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.handlers.proxy.LoadBalancingProxyClient;
import io.undertow.server.handlers.proxy.ProxyHandler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.xnio.conduits.AbstractStreamSinkConduit;
import org.xnio.conduits.StreamSinkConduit;
import relay.trial.provider.LocalCertificate;

/**
 * Ends TLS before a stand-in, so that it looks like a hosted provider: HTTP/1.1, and HTTP/2 with
 * the usual bound of streams. Prints its port, and ends at the end of its standard input.
 */
public final class TlsFront {
  private static final int MOST_STREAMS = 100;
  private static final int MOST_CONNECTIONS = 20_000;

  private TlsFront() {}

  /** Arguments: the stand-in's port, and a directory for the certificate. */
  public static void main(String... args) throws IOException {
    Logger.getLogger("").setLevel(Level.WARNING);
    LoadBalancingProxyClient standIn =
        new LoadBalancingProxyClient()
            .setConnectionsPerThread(MOST_CONNECTIONS)
            .setSoftMaxConnectionsPerThread(MOST_CONNECTIONS)
            .addHost(URI.create("http://127.0.0.1:" + args[0]));
    ProxyHandler proxy =
        ProxyHandler.builder().setProxyClient(standIn).setMaxRequestTime(-1).build();
    Undertow server =
        Undertow.builder()
            .addHttpsListener(0, "127.0.0.1", LocalCertificate.in(Path.of(args[1])).serverContext())
            .setIoThreads(1)
            .setWorkerThreads(1)
            .setServerOption(UndertowOptions.ENABLE_HTTP2, true)
            .setServerOption(UndertowOptions.HTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MOST_STREAMS)
            .setHandler(
                exchange -> {
                  exchange.addResponseWrapper((next, _) -> new Flushing(next.create()));
                  proxy.handleRequest(exchange);
                })
            .build();
    server.start();
    InetSocketAddress address =
        (InetSocketAddress) server.getListenerInfo().getFirst().getAddress();
    System.out.println(address.getPort());
    StandIn.endWithInput();
  }

  /** Sends each event at once: over HTTP/2 Undertow would keep it until 16 KiB are there. */
  private static final class Flushing extends AbstractStreamSinkConduit<StreamSinkConduit> {
    Flushing(StreamSinkConduit next) {
      super(next);
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int written = next.write(bytes);
      next.flush();
      return written;
    }
  }
}
