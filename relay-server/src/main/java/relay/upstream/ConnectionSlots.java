package relay.upstream;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.net.SocketFactory;
import okhttp3.Connection;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.internal.concurrent.TaskRunner;
import okhttp3.internal.connection.ConnectionListener;
import okhttp3.internal.connection.RealConnection;
import okhttp3.internal.connection.RealConnectionPool;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.carrier.CarrierSockets;
import relay.carrier.Carriers;
import relay.carrier.HandshakeRefusedException;

/**
 * The connections to one provider.
 *
 * <p>For every call, OkHttp's pool locks and checks one connection after the other, and afterwards
 * wakes a thread to count them all. HTTP/1.1 needs a connection per call, so this cost grows with
 * the load. Therefore each HTTP/1.1 connection has its own slot: an OkHttp client with a pool of
 * one. Each carrier takes its most recently used slot first. Over HTTP/2 calls share connections.
 */
final class ConnectionSlots {
  private static final int MOST_IDLE = 10_000;

  private static final Logger log = LoggerFactory.getLogger(ConnectionSlots.class);

  private final ProviderClients clients;
  private final SharedConnections sharedConnections;
  private final Carriers carriers;
  private final long lifeNanos;
  private final List<ConcurrentLinkedDeque<ConnectionSlot>> idle; // by carrier
  private final AtomicInteger idleCount = new AtomicInteger();
  private volatile boolean multiplexed;
  private volatile boolean retired;

  /**
   * @param clients slots are copies of them with their own connection pool
   * @param carriers the carriers whose threads make the calls
   * @param life how long an idle connection is kept
   * @param multiplexed whether to prefer HTTP/2
   */
  ConnectionSlots(ProviderClients clients, Carriers carriers, Duration life, boolean multiplexed) {
    this.clients = clients;
    this.carriers = carriers;
    this.multiplexed = multiplexed;
    lifeNanos = life.toNanos();
    sharedConnections = new SharedConnections(carriers, lifeNanos);
    idle =
        Stream.generate(ConcurrentLinkedDeque<ConnectionSlot>::new)
            .limit(carriers.count())
            .toList();
  }

  /** A slot for one call at a time. Close it after reading the answer. */
  final class ConnectionSlot implements AutoCloseable {
    private final OkHttpClient client;
    private final int home;
    private final SharedConnections.@Nullable Shared shared;
    private @Nullable RealConnection kept; // of its last call
    private @Nullable KeptExchange current; // of its call, if it is on the kept connection
    private long idleSince;

    private ConnectionSlot(OkHttpClient client, int home) {
      this.client = client;
      this.home = home;
      shared = null;
    }

    private ConnectionSlot(SharedConnections.Shared shared) {
      client = shared.client();
      home = 0;
      this.shared = shared;
    }

    /** Whether the connection is unusable: closed by the provider, or out of sync. */
    private boolean isSpent() {
      return kept != null
          && CarrierSockets.made(kept.socket())
          && CarrierSockets.hasUnsolicitedInput(kept.socket());
    }

    OkHttpClient client() {
      return client;
    }

    /** The exchange of a request, on the connection of the last one if that may be used. */
    UpstreamExchange exchange(Request request, AttemptTrace trace) {
      current = KeptExchange.of(client, kept, request, trace);
      return current == null ? UpstreamExchange.of(client.newCall(request)) : current;
    }

    /** Records what an answer's head says of the connection. */
    void spoke(Response head, @Nullable Connection connection) {
      if (shared != null && head.protocol() != Protocol.HTTP_2) {
        multiplexed = false;
      }
      kept = shared == null && connection instanceof RealConnection own ? own : null;
      if (kept != null && AnswerHead.isLast(head)) {
        kept.noNewExchanges();
      }
    }

    /**
     * Learns from a failure to connect.
     *
     * @return the failure; a {@link HandshakeRefusedException} if the next try will be another
     */
    IOException learn(IOException failure, String host) {
      if (shared != null || !FailureCauses.refusesProtocol(failure)) {
        return failure;
      }
      if (!multiplexed) {
        multiplexed = true;
        log.info("{} accepts HTTP/2 only, and gets it from now on", host);
      }
      return new HandshakeRefusedException(failure);
    }

    /** Tells the calls that wait for the connection of a call that it has failed. */
    void failed(UpstreamCall.Outcome.Broken outcome) {
      if (shared != null) {
        shared.failed(outcome);
      }
    }

    @Override
    public void close() {
      if (shared != null) {
        shared.leave();
        if (retired) {
          sharedConnections.closeIdle(0);
        }
        return;
      }
      KeptExchange last = current;
      current = null;
      boolean unfit = last != null && !last.release();
      if (unfit || retired || multiplexed || idleCount.get() >= MOST_IDLE) {
        end();
        return;
      }
      idleSince = System.nanoTime();
      restConnection();
      idleCount.getAndIncrement();
      idle.get(home).addFirst(this);
      if (retired) { // meanwhile
        closeIdle();
      }
    }

    /** As OkHttp does after its calls. */
    private void restConnection() {
      RealConnection known = kept;
      if (known == null) {
        return;
      }
      if (known.getNoNewExchanges()) {
        end();
      } else {
        known.setIdleAtNs(idleSince);
      }
    }

    private void end() {
      kept = null;
      client.connectionPool().evictAll();
    }
  }

  /**
   * A slot for the next call.
   *
   * @param wait how the call waits for a connection that another one makes
   */
  ConnectionSlot take(SharedConnections.Wait wait) throws IOException {
    return multiplexed ? takeShared(wait) : takeAlone();
  }

  private ConnectionSlot takeShared(SharedConnections.Wait wait) throws IOException {
    long began = System.nanoTime();
    OkHttpClient common = clients.preferring(Protocol.HTTP_2);
    // Lookup, connection and handshake, a proxy's answer, the provider's statement of its bounds
    long mostNanos = 3 * TimeUnit.MILLISECONDS.toNanos(common.connectTimeoutMillis());
    while (multiplexed) {
      SharedConnections.Shared shared =
          sharedConnections.take(
              common, carriers.currentNumber(), wait, mostNanos - (System.nanoTime() - began));
      if (shared != null) {
        return new ConnectionSlot(shared);
      }
    }
    return takeAlone();
  }

  /** A slot with its own connection, or for none. */
  ConnectionSlot takeAlone() {
    int here = carriers.currentNumber();
    ConnectionSlot known = left(idle.get(here).pollFirst());
    while (known != null && known.isSpent()) {
      known.end();
      known = left(idle.get(here).pollFirst());
    }
    return known != null ? known : alone(here);
  }

  private @Nullable ConnectionSlot left(@Nullable ConnectionSlot lane) {
    if (lane != null) {
      idleCount.getAndDecrement();
    }
    return lane;
  }

  private ConnectionSlot alone(int home) {
    SocketFactory sockets = carriers.sockets(home, ReadWait::announce, ConnectTime::left);
    ConnectionPool pool =
        new ConnectionPool(
            new RealConnectionPool(
                new TaskRunner(new NoThreads(), TaskRunner.Companion.getLogger()),
                1,
                lifeNanos,
                TimeUnit.NANOSECONDS,
                ConnectionListener.Companion.getNONE()));
    OkHttpClient common = clients.preferring(Protocol.HTTP_1_1);
    OkHttpClient client =
        common
            .newBuilder()
            .connectionPool(pool)
            .socketFactory(sockets)
            .dispatcher(new Dispatcher(common.dispatcher().executorService())) // never used
            .build();
    return new ConnectionSlot(client, home);
  }

  /** Whether there are connections that may become too old. */
  boolean hasIdle() {
    return idleCount.get() > 0 || sharedConnections.count() > 0;
  }

  /** Closes connections that were idle for too long. Called periodically. */
  void closeOld() {
    closeOlder(lifeNanos);
  }

  /** Closes connections that were idle for that long. */
  void closeOlder(long nanos) {
    idle.forEach(some -> closeOlder(some, nanos));
    sharedConnections.closeIdle(nanos);
  }

  private void closeOlder(ConcurrentLinkedDeque<ConnectionSlot> some, long nanos) {
    long now = System.nanoTime();
    while (true) {
      ConnectionSlot oldest = left(some.pollLast());
      if (oldest == null) {
        return;
      }
      if (!multiplexed && now - oldest.idleSince < nanos) {
        idleCount.getAndIncrement();
        some.addLast(oldest);
        return;
      }
      oldest.end();
    }
  }

  /** Closes all connections: those that a call uses when its answer was read. */
  void retire() {
    retired = true;
    closeIdle();
  }

  /** Closes all connections that no call uses. */
  void closeIdle() {
    sharedConnections.closeIdle(0);
    for (ConcurrentLinkedDeque<ConnectionSlot> some : idle) {
      for (ConnectionSlot lane = left(some.pollFirst());
          lane != null;
          lane = left(some.pollFirst())) {
        lane.end();
      }
    }
  }

  /** Runs no cleanup tasks: {@link #closeOld} closes a slot's connection. */
  private static final class NoThreads implements TaskRunner.Backend {
    @Override
    public long nanoTime() {
      return System.nanoTime();
    }

    @Override
    public void coordinatorNotify(TaskRunner taskRunner) {}

    @Override
    public void coordinatorWait(TaskRunner taskRunner, long nanos) {}

    @Override
    public <T> BlockingQueue<T> decorate(BlockingQueue<T> queue) {
      return queue;
    }

    @Override
    public void execute(TaskRunner taskRunner, Runnable runnable) {}
  }
}
