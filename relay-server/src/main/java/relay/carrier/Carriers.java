package relay.carrier;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xnio.ChannelListener;
import org.xnio.StreamConnection;
import org.xnio.XnioIoThread;

/** The carriers of a replica. Each task gets a virtual thread of the one that has least to do. */
public final class Carriers implements Executor, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Carriers.class);
  private static final int SPARE_ROOMS = 64;

  private final List<Carrier> carriers;
  private final SpareBuffers rooms = new SpareBuffers(GatheringOutput.ROOM, true, SPARE_ROOMS);
  private volatile boolean closed;

  /**
   * Starts them.
   *
   * @param name what their threads' names begin with
   * @param count at least 1
   */
  public Carriers(String name, int count) {
    carriers = IntStream.range(0, count).mapToObj(n -> new Carrier(name, n)).toList();
    carriers.forEach(Carrier::start);
  }

  /** Tells the operator if something keeps them from running what they wait for. */
  public static void warnIfHindered() {
    if (!VirtualThreads.canBeCarried()) {
      log.warn(
          "java.lang is not open to Relay, so a request takes more processor time: start it by its"
              + " launcher, or with java -jar");
    }
  }

  /**
   * As many as there is work for, when a core's other half is taken by clients' connections and by
   * Redis's. Fewer carriers are woken less often, and find more to do each time.
   */
  public static int fitting(int processors) {
    return Math.max(1, processors - 1);
  }

  /**
   * Begins a task, which may block.
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
   * The first of those that run fewest: one does all as long as there is little, and its
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

  /** How many there are. */
  public int count() {
    return carriers.size();
  }

  /** The number, from 0, of the carrier that runs the calling thread; 0 if none does. */
  public int here() {
    return Math.max(0, carriers.indexOf(Carrier.here()));
  }

  /**
   * Makes sockets for which a carrier waits: best that of the thread that will read them. Any
   * thread may use them, as it may use others.
   *
   * @param home the carrier's number
   * @param beforeWaiting is run by a thread that has read all that came, before it waits for more
   */
  public CarrierSockets sockets(int home, Runnable beforeWaiting) {
    return new CarrierSockets(carriers.get(home), beforeWaiting, rooms);
  }

  /**
   * Listens, and serves the connections: each by the carrier that has fewest.
   *
   * @param opener is told of each connection by its carrier, which runs it itself: it must not
   *     block, nor wait for a lock
   */
  public ClientPort listen(
      InetSocketAddress address, int backlog, ChannelListener<? super StreamConnection> opener)
      throws IOException {
    return new ClientPort(carriers.getFirst(), this::emptiest, address, backlog, opener);
  }

  private Carrier emptiest() {
    return Collections.min(
        carriers, (a, b) -> Integer.compare(a.connections().get(), b.connections().get()));
  }

  /**
   * Begins tasks, which may block, on the carrier that is this I/O thread, so that nothing else
   * runs for its connections meanwhile; or where there is least to do, if it is none.
   */
  public Executor at(XnioIoThread thread) {
    return thread instanceof Carrier carrier ? carrier.requests() : this;
  }

  /** One that waits for sockets of others, too. */
  public WaitingThread first() {
    return new WaitingThread(carriers.getFirst());
  }

  /** Run what is given to them themselves, in order: it must not block, nor wait for a lock. */
  public List<? extends Executor> threads() {
    return carriers;
  }

  /** Of the tasks that have begun, those that have not ended. */
  public int running() {
    return carriers.stream().mapToInt(Carrier::running).sum();
  }

  /** Closes all sockets, and lets nothing begin any more. */
  @Override
  public void close() {
    closed = true;
    carriers.forEach(Carrier::close);
  }
}
