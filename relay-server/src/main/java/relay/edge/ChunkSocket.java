package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpServerConnection;
import org.jspecify.annotations.Nullable;
import org.xnio.conduits.StreamSinkConduit;
import relay.reach.ChunkEnd;

/** Finds the raw socket of an exchange that may write chunks around Undertow. */
final class ChunkSocket {
  private ChunkSocket() {}

  /**
   * The raw socket, if chunks may be written to it: the client is on this carrier, without TLS,
   * gets a chunked answer, and has not pipelined its next request. Null for HTTP/1.0 and for a
   * status without a body.
   */
  static @Nullable StreamSinkConduit of(HttpServerExchange exchange) {
    return exchange.isInIoThread()
            && exchange.getConnection() instanceof HttpServerConnection connection
            && connection.getPipelineBuffer() == null
            && ChunkEnd.isReached(connection.getChannel().getSinkChannel().getConduit())
        ? connection.getOriginalSinkConduit()
        : null;
  }
}
