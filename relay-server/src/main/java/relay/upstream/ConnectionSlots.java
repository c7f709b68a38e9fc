package relay.upstream;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.internal.concurrent.TaskRunner;
import okhttp3.internal.connection.ConnectionListener;
import okhttp3.internal.connection.RealConnectionPool;
import org.jspecify.annotations.Nullable;
import relay.carrier.CarrierSockets;
import relay.carrier.Carriers;

/**
 * The connections to one provider.
 *
 * <p>OkHttp's pool looks at one connection after the other, under the lock of each, for every call,
 * and wakes a thread to count them all after it. With a connection for each call of HTTP/1.1 that
 * is more work the more calls run. So each such connection has a lane of its own, a client with a
 * pool of one, and of the lanes at a carrier the one that was used last is taken first. HTTP/2 has
 * one connection for many calls, and one client that all share.
 */
final class ConnectionSlots {
  private static final int MOST_IDLE = 10_000;

  private final CompletableFuture<OkHttpClient> shared;
  private final Carriers carriers;
  private final long lifeNanos;
  private final List<ConcurrentLinkedDeque<ConnectionSlot>> idle; // of each carrier
  private final AtomicInteger idleCount = new AtomicInteger();
  private volatile boolean multiplexed;
  private volatile boolean retired;

  /**
   * @param shared the client of which each lane is a copy, but for its connection
   * @param carriers whose threads make the calls
   * @param life how long a connection is kept that no call uses
   * @param multiplexed whether HTTP/2 is expected, until the first answer shows what is spoken
   */
  ConnectionSlots(
      CompletableFuture<OkHttpClient> shared,
      Carriers carriers,
      Duration life,
      boolean multiplexed) {
    this.shared = shared;
    this.carriers = carriers;
    this.multiplexed = multiplexed;
    lifeNanos = life.toNanos();
    idle =
        Stream.generate(ConcurrentLinkedDeque<ConnectionSlot>::new)
            .limit(carriers.count())
            .toList();
  }

  /** For one call at a time: to be closed when its answer was read. */
  final class ConnectionSlot implements AutoCloseable {
    private final OkHttpClient client;
    private final int home;
    private final @Nullable CarrierSockets sockets; // of its own connection, if it has one
    private long idleSince;

    private ConnectionSlot(OkHttpClient client, int home, @Nullable CarrierSockets sockets) {
      this.client = client;
      this.home = home;
      this.sockets = sockets;
    }

    /** The provider has ended the connection, or will not be understood there any more. */
    private boolean isSpent() {
      return sockets != null && sockets.hasUnsolicitedInput();
    }

    OkHttpClient client() {
      return client;
    }

    /** What the provider turned out to speak. */
    void spoke(Protocol protocol) {
      boolean http2 = protocol == Protocol.HTTP_2;
      if (http2 != multiplexed) {
        multiplexed = http2;
      }
    }

    @Override
    public void close() {
      if (sockets == null) {
        if (retired) {
          end();
        }
        return;
      }
      if (retired || multiplexed || idleCount.get() >= MOST_IDLE) {
        end();
        return;
      }
      idleSince = System.nanoTime();
      idleCount.getAndIncrement();
      idle.get(home).addFirst(this);
      if (retired) { // meanwhile
        closeIdle();
      }
    }

    private void end() {
      client.connectionPool().evictAll();
    }
  }

  ConnectionSlot take() {
    if (multiplexed) {
      return new ConnectionSlot(shared.join(), 0, null);
    }
    int here = carriers.here();
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
    CarrierSockets sockets = carriers.sockets(home, ReadWait::announce);
    ConnectionPool pool =
        new ConnectionPool(
            new RealConnectionPool(
                new TaskRunner(new NoThreads(), TaskRunner.Companion.getLogger()),
                1,
                lifeNanos,
                TimeUnit.NANOSECONDS,
                ConnectionListener.Companion.getNONE()));
    OkHttpClient base = shared.join();
    OkHttpClient client =
        base.newBuilder()
            .connectionPool(pool)
            .socketFactory(sockets)
            .dispatcher(new Dispatcher(base.dispatcher().executorService())) // never used
            .build();
    return new ConnectionSlot(client, home, sockets);
  }

  /** Closes the connections that were not used for their life; to be called now and then. */
  void closeOld() {
    idle.forEach(this::closeOld);
  }

  private void closeOld(ConcurrentLinkedDeque<ConnectionSlot> some) {
    long now = System.nanoTime();
    while (true) {
      ConnectionSlot oldest = left(some.pollLast());
      if (oldest == null) {
        return;
      }
      if (!multiplexed && now - oldest.idleSince < lifeNanos) {
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
    shared.thenAccept(client -> client.connectionPool().evictAll());
    for (ConcurrentLinkedDeque<ConnectionSlot> some : idle) {
      for (ConnectionSlot lane = left(some.pollFirst());
          lane != null;
          lane = left(some.pollFirst())) {
        lane.end();
      }
    }
  }

  /** Cleans nothing up: a lane's one connection is closed by {@link #closeOld}. */
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
