package relay.upstream;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import okhttp3.Call;
import okhttp3.Connection;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.internal.concurrent.TaskRunner;
import okhttp3.internal.connection.ConnectionListener;
import okhttp3.internal.connection.RealConnectionPool;
import relay.carrier.Carriers;

/**
 * The HTTP/2 connections to one provider. Each stands on one carrier, which also runs its reader,
 * and takes calls of that carrier: as many at once as a usual provider accepts. Further calls get
 * another connection.
 *
 * <p>OkHttp would open a connection for each call that begins before the first is connected, and
 * then close all but one. Here the others wait for it.
 */
final class SharedConnections {
  /** The limit of most servers, and the least that the standard recommends. */
  static final int MOST_STREAMS = 100;

  private final Carriers carriers;
  private final long lifeNanos;
  private final List<List<Shared>> byCarrier;

  SharedConnections(Carriers carriers, long lifeNanos) {
    this.carriers = carriers;
    this.lifeNanos = lifeNanos;
    byCarrier =
        Stream.generate(() -> (List<Shared>) new ArrayList<Shared>())
            .limit(carriers.count())
            .toList();
  }

  /** A connection, or several while OkHttp replaces one. */
  final class Shared {
    private final CompletableFuture<Void> connected = new CompletableFuture<>();
    private final OkHttpClient client;
    private volatile boolean leaving; // its connection takes no more calls
    private int calls; // guarded by the lock of all, as the next
    private long idleSince;

    private Shared(OkHttpClient base, int home) {
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
        public void connectionAcquired(Connection connection, Call call) {
          connected.complete(null);
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

    OkHttpClient client() {
      return client;
    }

    /** Ends a call. */
    void leave() {
      connected.complete(null);
      synchronized (SharedConnections.this) {
        calls--;
        idleSince = System.nanoTime();
      }
    }

    private void end() {
      client.connectionPool().evictAll();
    }
  }

  /** A connection for one call of a carrier. */
  Shared take(OkHttpClient base, int home) {
    Shared taken = null;
    boolean first = false;
    synchronized (this) {
      for (Shared known : byCarrier.get(home)) {
        if (!known.leaving && known.calls < MOST_STREAMS) {
          taken = known;
          break;
        }
      }
      if (taken == null) {
        first = true;
        taken = new Shared(base, home);
        byCarrier.get(home).add(taken);
      }
      taken.calls++;
    }
    if (!first) {
      taken.connected.join();
    }
    return taken;
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
