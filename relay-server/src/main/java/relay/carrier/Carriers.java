package relay.carrier;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.function.BooleanSupplier;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.xnio.ChannelListener;
import org.xnio.StreamConnection;
import org.xnio.XnioIoThread;

/** The carriers of a replica. Each task gets a virtual thread on the least busy one. */
public final class Carriers implements Executor, AutoCloseable {
  private static final int SPARE_ROOMS = 64;

  private final List<Carrier> carriers;
  private final SpareBuffers rooms = new SpareBuffers(GatheringOutput.ROOM, true, SPARE_ROOMS);
  private final TlsBuffers tlsBuffers = new TlsBuffers();
  private volatile boolean closed;

  /**
   * Starts them.
   *
   * @param name prefix of the thread names
   * @param count at least 1
   */
  public Carriers(String name, int count) {
    carriers = IntStream.range(0, count).mapToObj(n -> new Carrier(name, n)).toList();
    carriers.forEach(Carrier::start);
  }

  /**
   * A good number of carriers: one core is left for Redis and the rest of the process. Fewer
   * carriers wake up less often, and find more work each time.
   */
  public static int fitting(int processors) {
    return Math.max(1, processors - 1);
  }

  /**
   * Starts a task, which may block.
   *
   * @throws RejectedExecutionException after {@link #close}
   */
  @Override
  public void execute(Runnable task) {
    if (closed) {
      throw new RejectedExecutionException("the carriers are closed");
    }
    leastBusy().begin(task);
  }

  /**
   * The first carrier with the fewest tasks. At low load one carrier does everything, so its
   * connections stay in use.
   */
  private Carrier leastBusy() {
    Carrier best = carriers.getFirst();
    int fewest = best.running();
    for (int n = 1; n < carriers.size() && fewest > 0; n++) {
      int running = carriers.get(n).running();
      if (running < fewest) {
        fewest = running;
        best = carriers.get(n);
      }
    }
    return best;
  }

  /** Number of carriers. */
  public int count() {
    return carriers.size();
  }

  /** The number, from 0, of the carrier that runs the calling thread; 0 if none does. */
  public int currentNumber() {
    return Math.max(0, carriers.indexOf(Carrier.current()));
  }

  /**
   * Makes sockets that a carrier watches, best the carrier of the reading thread. Any thread may
   * use them.
   *
   * @param home the carrier's number
   * @param beforeWaiting runs on the reading thread each time before it waits for more bytes
   */
  public CarrierSockets sockets(int home, Runnable beforeWaiting) {
    return sockets(home, beforeWaiting, IntUnaryOperator.identity());
  }

  /**
   * Makes sockets whose threads may have less time to connect than they say.
   *
   * @param connectTimeout runs on the connecting thread: takes and returns milliseconds, 0 for none
   */
  public CarrierSockets sockets(int home, Runnable beforeWaiting, IntUnaryOperator connectTimeout) {
    return new CarrierSockets(carriers.get(home), beforeWaiting, connectTimeout, rooms, tlsBuffers);
  }

  /**
   * Listens on an address. The carrier with the fewest connections serves the next one.
   *
   * @param opener gets each connection, on its carrier: must not block, nor wait for a lock
   */
  public ClientPort listen(
      InetSocketAddress address, int backlog, ChannelListener<? super StreamConnection> opener)
      throws IOException {
    return listen(address, backlog, opener, () -> true);
  }

  /**
   * Listens on an address, and accepts connections only while that is permitted.
   *
   * @param opener gets each connection, on its carrier: must not block, nor wait for a lock
   * @param permits whether to accept one more; called by a carrier. If not, the port pauses
   */
  public ClientPort listen(
      InetSocketAddress address,
      int backlog,
      ChannelListener<? super StreamConnection> opener,
      BooleanSupplier permits)
      throws IOException {
    return new ClientPort(carriers.getFirst(), this::emptiest, address, backlog, opener, permits);
  }

  private Carrier emptiest() {
    return Collections.min(
        carriers, (a, b) -> Integer.compare(a.connections().get(), b.connections().get()));
  }

  /**
   * An executor for tasks that may block: on the carrier that is this I/O thread, or on the least
   * busy one if it is no carrier.
   */
  public Executor at(XnioIoThread thread) {
    return thread instanceof Carrier carrier ? carrier.requests() : this;
  }

  /**
   * Makes virtual threads of a carrier for a connection's own work. They do not count as {@link
   * #running}: they end with the connection.
   *
   * @param number the carrier's
   */
  public ThreadFactory backgroundThreads(int number) {
    return carriers.get(number)::unstarted;
  }

  /** The first carrier, as an event loop for sockets of other libraries. */
  public CarrierLoop first() {
    return new CarrierLoop(carriers.getFirst());
  }

  /**
   * The carriers as executors. They run tasks themselves, in order: a task must not block, nor wait
   * for a lock.
   */
  public List<? extends Executor> threads() {
    return carriers;
  }

  /** Tasks that have not ended. */
  public int running() {
    return carriers.stream().mapToInt(Carrier::running).sum();
  }

  /** Closes all sockets, and accepts no more tasks. */
  @Override
  public void close() {
    closed = true;
    carriers.forEach(Carrier::close);
  }
}
