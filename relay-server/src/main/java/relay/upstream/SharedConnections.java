package relay.upstream;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import okhttp3.Call;
import okhttp3.Connection;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Route;
import okhttp3.internal.concurrent.TaskRunner;
import okhttp3.internal.connection.ConnectionListener;
import okhttp3.internal.connection.RealConnectionPool;
import org.jspecify.annotations.Nullable;
import relay.carrier.Carriers;
import relay.reach.Http2Streams;

/**
 * The HTTP/2 connections to one provider. Each stands on one carrier, which also runs its reader,
 * and takes calls of that carrier: as many at once as the provider states. Further calls get
 * another connection.
 *
 * <p>OkHttp would open a connection for each call that begins before the first is connected, and
 * then close all but one. Here one call makes the connection, and the others wait until the
 * provider has stated how many streams it allows.
 */
final class SharedConnections {
  /** The limit of most servers, and the least that the standard recommends. */
  static final int MOST_STREAMS = 100;

  /** A provider states its bounds at once. One that does not gets the usual number of streams. */
  private static final long STATED_WITHIN_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final long LOOK_NANOS = 1_000_000;

  private final Carriers carriers;
  private final long lifeNanos;
  private final List<List<Shared>> byCarrier;
  private volatile int expected = MOST_STREAMS; // what the last connection allowed

  SharedConnections(Carriers carriers, long lifeNanos) {
    this.carriers = carriers;
    this.lifeNanos = lifeNanos;
    byCarrier =
        Stream.generate(() -> (List<Shared>) new ArrayList<Shared>())
            .limit(carriers.count())
            .toList();
  }

  /** How a call waits for a connection that another call makes. */
  @FunctionalInterface
  interface Wait {
    /**
     * Returns when it is made or given up.
     *
     * @throws IOException if it cannot be made, took too long, or the waiting call is cancelled
     */
    void until(CompletableFuture<?> made, long mostNanos) throws IOException;
  }

  /** The call that was to make a connection has failed, and with it all that waited for it. */
  static final class NotMadeException extends IOException {
    private static final long serialVersionUID = 1L;
    private final transient UpstreamCall.Outcome.Broken outcome;

    private NotMadeException(UpstreamCall.Outcome.Broken outcome) {
      super(outcome.cause());
      this.outcome = outcome;
    }

    UpstreamCall.Outcome.Broken outcome() {
      return outcome;
    }
  }

  /** A connection, or several while OkHttp replaces one. */
  final class Shared {
    private final CompletableFuture<Void> made = new CompletableFuture<>();
    private final OkHttpClient client;
    private final int home;
    private volatile @Nullable Http2Streams streams;
    private volatile boolean connected;
    private volatile boolean leaving; // its connection takes no more calls
    private int calls; // guarded by the lock of all, as the next
    private long idleSince;

    private Shared(OkHttpClient base, int home) {
      this.home = home;
      TaskRunner tasks =
          new TaskRunner(
              new TaskRunner.RealBackend(carriers.backgroundThreads(home)),
              TaskRunner.Companion.getLogger());
      client =
          base.newBuilder()
              .taskRunner$okhttp(tasks)
              .connectionPool(
                  new ConnectionPool(
                      new RealConnectionPool(
                          tasks, MOST_STREAMS, lifeNanos, TimeUnit.NANOSECONDS, listener())))
              .socketFactory(carriers.sockets(home, ReadWait::announce, ConnectTime::left))
              .dispatcher(new Dispatcher(base.dispatcher().executorService())) // never used
              .build();
    }

    private ConnectionListener listener() {
      return new ConnectionListener() {
        @Override
        public void connectEnd(Connection connection, Route route, Call call) {
          streams = Http2Streams.bound(connection);
        }

        @Override
        public void connectionAcquired(Connection connection, Call call) {
          connected = true;
          if (connection.protocol() != Protocol.HTTP_2) {
            giveUp();
          } else if (!made.isDone()) {
            carriers.backgroundThreads(home).newThread(Shared.this::awaitStatement).start();
          }
        }

        @Override
        public void noNewExchanges(Connection connection) {
          leaving = true;
        }

        @Override
        public void connectionClosed(Connection connection) {
          leaving = true;
        }
      };
    }

    private void awaitStatement() {
      long began = System.nanoTime();
      Http2Streams stated = streams;
      while (stated != null
          && !stated.areStated()
          && !leaving
          && System.nanoTime() - began < STATED_WITHIN_NANOS) {
        LockSupport.parkNanos(LOOK_NANOS);
      }
      if (stated != null && stated.areStated()) {
        expected = bounded(stated);
      }
      made.complete(null);
    }

    /** The streams that it takes, or is likely to take while it is being made. */
    private int most() {
      Http2Streams stated = streams;
      return stated != null && stated.areStated() ? bounded(stated) : expected;
    }

    private static int bounded(Http2Streams stated) {
      return Math.clamp(stated.most(), 1, MOST_STREAMS);
    }

    OkHttpClient client() {
      return client;
    }

    /** A call has failed. If it was to make the connection, so do those that wait for it. */
    void failed(UpstreamCall.Outcome.Broken outcome) {
      if (!connected && made.completeExceptionally(new NotMadeException(outcome))) {
        leaving = true;
      }
    }

    /** The calls that wait for the connection look for another. */
    private void giveUp() {
      leaving = true;
      made.complete(null);
    }

    /** Ends a call. */
    void leave() {
      if (!connected && !made.isDone()) {
        giveUp(); // only the call that makes the connection ends before it is made
      }
      leavePlace();
    }

    private void leavePlace() {
      synchronized (SharedConnections.this) {
        calls--;
        idleSince = System.nanoTime();
      }
    }

    private void end() {
      client.connectionPool().evictAll();
    }
  }

  /**
   * A connection for one call of a carrier.
   *
   * @param mostNanos how long it may wait
   * @return null if the one that the call waited for was not made, or has no place for it
   */
  @Nullable Shared take(OkHttpClient base, int home, Wait wait, long mostNanos) throws IOException {
    Shared taken;
    synchronized (this) {
      Shared known = join(home);
      if (known == null) {
        return begin(base, home);
      }
      taken = known;
    }
    boolean stays = false;
    try {
      if (!taken.made.isDone()) {
        wait.until(taken.made, mostNanos);
      }
      stays = keepsPlace(taken);
    } finally {
      if (!stays) {
        taken.leavePlace();
      }
    }
    return stays ? taken : null;
  }

  private synchronized Shared begin(OkHttpClient base, int home) {
    Shared begun = new Shared(base, home);
    begun.calls++;
    byCarrier.get(home).add(begun);
    return begun;
  }

  private synchronized @Nullable Shared join(int home) {
    for (Shared known : byCarrier.get(home)) {
      if (!known.leaving && known.calls < known.most()) {
        known.calls++;
        return known;
      }
    }
    return null;
  }

  private synchronized boolean keepsPlace(Shared taken) {
    return !taken.leaving && taken.calls <= taken.most();
  }

  /** Connections that are open or being opened. */
  synchronized int count() {
    return byCarrier.stream().mapToInt(List::size).sum();
  }

  /** Closes connections that no call has used for that long. */
  void closeIdle(long nanos) {
    long now = System.nanoTime();
    List<Shared> old = new ArrayList<>();
    synchronized (this) {
      for (List<Shared> some : byCarrier) {
        some.removeIf(
            one -> one.calls == 0 && (one.leaving || now - one.idleSince >= nanos) && old.add(one));
      }
    }
    old.forEach(Shared::end);
  }
}
