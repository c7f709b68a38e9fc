package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.server.HttpServerExchange;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.carrier.AnswerDate;
import relay.guards.Await;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.reach.VirtualThreads;

/** Clients that read nothing cost nothing: their threads sleep until a socket has room. */
@Tag("slow")
class StalledWritersTest {
  private static final int CLIENTS = 30;
  private static final int MOST_WAKE_UPS = CLIENTS / 3;
  private static final long WATCHED_NANOS = TimeUnit.MILLISECONDS.toNanos(1_500);
  private static final Duration STALL = Duration.ofMinutes(5);
  private static final byte[] ANSWER = new byte[32 << 20]; // more than the kernel buffers
  private static final int RECEIVE_BYTES = 4_096;

  private final AtomicInteger wakeUps = new AtomicInteger();
  private final Queue<Thread> writers = new ConcurrentLinkedQueue<>();
  @AutoClose private final OneCarrierListener listener = new OneCarrierListener(this::handle);

  private void handle(HttpServerExchange exchange) {
    UndertowExchange client =
        new UndertowExchange(
            exchange,
            Dialect.ANTHROPIC,
            listener.bounds(STALL),
            new HeaderNames(),
            new AnswerDate(InstantSource.system()),
            listener.carriers());
    exchange.dispatch(
        task -> VirtualThreads.unstarted(this::wakeUp, task).start(), () -> answer(client));
  }

  /** Runs a virtual thread from where it slept. */
  private void wakeUp(Runnable continuation) {
    wakeUps.getAndIncrement();
    listener.carriers().threads().getFirst().execute(continuation);
  }

  private void answer(UndertowExchange client) {
    writers.add(Thread.currentThread());
    try {
      client.begin(200, new HeaderLines(), -1);
      client.write(ANSWER, 0, ANSWER.length);
    } catch (Exception e) {
      client.abort();
    }
  }

  private boolean allSleep() {
    return writers.size() == CLIENTS
        && writers.stream().allMatch(thread -> thread.getState() == Thread.State.TIMED_WAITING);
  }

  @Test
  void threads_that_wait_for_clients_are_not_woken() throws Exception {
    List<Socket> clients = new ArrayList<>();
    try {
      for (int n = 0; n < CLIENTS; n++) {
        Socket client = new Socket();
        client.setReceiveBufferSize(RECEIVE_BYTES);
        client.connect(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), listener.port()));
        client.getOutputStream().write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".getBytes(ISO_8859_1));
        clients.add(client);
      }
      Await.until("all wait for their clients", Duration.ofMinutes(1), this::allSleep);
      assertTrue(wakeUps.get() >= CLIENTS, "wake-ups are counted");
      int before = wakeUps.get();
      Await.moment(System.nanoTime() + WATCHED_NANOS);
      int more = wakeUps.get() - before;
      assertTrue(more <= MOST_WAKE_UPS, "wake-ups: " + more);
    } finally {
      for (Socket client : clients) {
        client.close();
      }
    }
    Await.until("all end", () -> writers.stream().noneMatch(Thread::isAlive));
  }
}
