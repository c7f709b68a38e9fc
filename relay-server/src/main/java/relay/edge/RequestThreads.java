package relay.edge;

import io.undertow.server.HttpServerExchange;
import java.util.concurrent.Executor;
import relay.body.BodyBuffers;

/**
 * Chooses the thread of a request. The JDK's threads run requests with long bodies: to read, scan,
 * edit, sign and send 30 MB on a carrier would stall its other requests.
 */
final class RequestThreads {
  private RequestThreads() {}

  /**
   * @param carrier runs short requests
   */
  static Executor of(HttpServerExchange exchange, Executor carrier) {
    long announced = exchange.getRequestContentLength();
    boolean unknown = announced < 0 && !exchange.isRequestComplete();
    return unknown || announced > BodyBuffers.BYTES ? RequestThreads::startOffCarrier : carrier;
  }

  /**
   * Starts a virtual thread of the JDK's own scheduler. For I/O threads only: a virtual thread
   * started by another one inherits its scheduler.
   */
  private static void startOffCarrier(Runnable task) {
    var _ = Thread.ofVirtual().name("long-request").start(task);
  }
}
