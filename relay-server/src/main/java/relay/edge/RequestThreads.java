package relay.edge;

import io.undertow.server.HttpServerExchange;
import java.util.concurrent.Executor;
import relay.body.BodyBuffers;

/**
 * Chooses the thread of a request. The JDK's threads run requests with long bodies: to read, scan,
 * edit, sign and send 30 MB on a carrier would stall its other requests.
 */
final class RequestThreads {
  /**
   * A virtual thread of the JDK's own scheduler. To be called by an I/O thread: a virtual thread
   * started by another one inherits its scheduler.
   */
  private static final Executor OFF_CARRIER =
      task -> Thread.ofVirtual().name("long-request").start(task);

  private RequestThreads() {}

  /**
   * @param carrier runs short requests
   */
  static Executor of(HttpServerExchange exchange, Executor carrier) {
    long announced = exchange.getRequestContentLength();
    boolean unknown = announced < 0 && !exchange.isRequestComplete();
    return unknown || announced > BodyBuffers.BYTES ? OFF_CARRIER : carrier;
  }
}
