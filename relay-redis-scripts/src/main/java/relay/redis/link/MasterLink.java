package relay.redis.link;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisReadOnlyException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.RedisServers;

/**
 * The one connection to a master, and whether it works.
 *
 * <p>Lettuce would queue commands while Redis is away and replay them later; each replay could
 * charge twice. This class drops a connection that closed, or that left {@value
 * Answering#MAX_UNANSWERED} calls in a row unanswered for as many timeouts. Its calls fail at once,
 * nothing queues behind a dead Redis, and a background thread reconnects every {@value #RETRY_MS}
 * ms.
 */
final class MasterLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MasterLink.class);

  static final int RETRY_MS = 200;

  /** A busy Redis may take long to load the library. */
  private static final int LOAD_SECONDS = 2;

  /** A long outage is logged once in 30 s. */
  private static final int LOG_EVERY = 150;

  /** Where the master is. */
  @FunctionalInterface
  interface Place {
    /** Finds the master; may block for a few seconds, and throws if no sentinel knows it. */
    InetSocketAddress find();
  }

  /** Where a refused call goes next, if anywhere. */
  @FunctionalInterface
  interface Redirections {
    /** Whether the call is on its way to another master. */
    boolean follow(PendingCall call, RedisCommandExecutionException refusal);
  }

  private final Connections connections;
  private final Place place;
  private final Redirections redirections;
  private final Consumer<MasterLink> onUp;
  private final Answering answering;
  private final Reauthentication logins = new Reauthentication(System::nanoTime);
  private final CountDownLatch tried = new CountDownLatch(1);
  private final ScheduledExecutorService reconnector =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("redis-reconnect").daemon().factory());
  private final SurvivedFaults faults =
      new SurvivedFaults("redis-reconnect", log::error, System::nanoTime);
  private final AtomicReference<@Nullable FunctionConnection> connection = new AtomicReference<>();
  private volatile @Nullable InetSocketAddress address; // of the last connection
  private volatile @Nullable String failure; // why the last connect failed
  private volatile boolean refused; // the system did: nothing listens at the address
  private boolean connected; // only the reconnecting thread uses it
  private int failures; // failed connects in a row; only the connecting thread uses it
  private volatile boolean closed;

  MasterLink(
      Connections connections, Place place, Redirections redirections, Consumer<MasterLink> onUp) {
    this.connections = connections;
    this.place = place;
    this.redirections = redirections;
    this.onUp = onUp;
    answering =
        new Answering(
            new Slowness(log, connections.timeout, System::nanoTime),
            connections.timeout,
            connections.deadlines::runningNanos,
            this::name);
  }

  /** Connects, or retries in the background if Redis does not answer now. */
  void start() {
    if (!connect()) {
      retryLater();
    }
  }

  /** As {@link #start}, on the background thread. */
  void startLater() {
    reconnector.execute(
        () -> {
          faults.run(this::start);
          tried.countDown();
        });
  }

  /** Waits until the first connect has ended, but not for long. */
  void awaitFirstAttempt() {
    try {
      var _ = tried.await(LOAD_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether scripts can be called now. */
  boolean isUp() {
    return connection.get() != null;
  }

  /** Whether the master answers, but later than the timeout. */
  boolean isSlow() {
    return isUp() && answering.isSlow();
  }

  /** Whether answers come in time, or might. */
  boolean isTimely() {
    return isUp() && !answering.isLastinglySlow();
  }

  /** Whether the last connect found that nothing listens there. */
  boolean isRefused() {
    return !isUp() && refused;
  }

  /** Why the last connect failed; empty while it is up. */
  Optional<String> failure() {
    return Optional.ofNullable(failure);
  }

  /** The address of the live connection, or of the last one. */
  @Nullable InetSocketAddress address() {
    return address;
  }

  /** The live connection. */
  @Nullable FunctionConnection connection() {
    return connection.get();
  }

  /** Sends a call, or fails it if there is no connection. */
  void call(PendingCall call) {
    FunctionConnection live = connection.get();
    if (live == null) {
      call.completeExceptionally(new RedisGoneException());
      return;
    }
    watch(call, live);
    connections.calls.execute(
        () -> {
          if (call.awaited) {
            // From now on: Redis is not to blame for the wait for this thread
            call.watchedAs(connections.deadlines.watch(call));
          }
          send(live, call, false);
        });
  }

  /**
   * Sends a call that another master redirected here. Its deadline stays.
   *
   * @param asking whether the master is only taking over the slot
   * @return false if there is no connection
   */
  boolean take(PendingCall call, boolean asking) {
    FunctionConnection live = connection.get();
    if (live == null) {
      return false;
    }
    watch(call, live);
    connections.calls.execute(() -> send(live, call, asking));
    return true;
  }

  private void watch(PendingCall call, FunctionConnection live) {
    call.asks(this);
    var _ =
        call.whenComplete(
            (value, failure) -> {
              if (failure instanceof TimeoutException
                  && call.asked() == this
                  && answering.hasCeased()) {
                giveUp(live, "it left " + Answering.MAX_UNANSWERED + " calls without an answer");
              }
            });
  }

  private void send(FunctionConnection live, PendingCall call, boolean asking) {
    var _ =
        (asking
                ? live.callAsking(call.function, call.keys, call.args)
                : live.call(call.function, call.keys, call.args))
            .whenComplete((value, failure) -> answered(live, call, asking, value, failure));
  }

  private void answered(
      FunctionConnection live,
      PendingCall call,
      boolean asking,
      @Nullable List<Object> value,
      @Nullable Throwable failure) {
    RedisCommandExecutionException refused =
        failure != null && RedisLink.cause(failure) instanceof RedisCommandExecutionException r
            ? r
            : null;
    if (failure == null || refused != null) {
      answering.answered(call.isDone(), call.awaited); // a refusal is also an answer
    }
    if (refused instanceof RedisReadOnlyException) {
      var _ = connections.refusedCalls.explained(String.valueOf(refused.getMessage()));
      giveUp(live, "it has become a replica");
    }
    if (refused != null && Preparation.isMissing(refused) && call.loads()) {
      // The library was flushed, or Redis restarted empty: nothing ran, so a retry is safe.
      var _ =
          Preparation.loadLibrary(live)
              .whenComplete(
                  (name, failed) -> {
                    if (failed == null) {
                      connections.calls.execute(() -> send(live, call, asking));
                    } else {
                      complete(call, null, failed);
                    }
                  });
    } else if (refused == null || !redirections.follow(call, refused)) {
      complete(call, value, failure);
    }
  }

  private void complete(
      PendingCall call, @Nullable List<Object> value, @Nullable Throwable failure) {
    call.answered();
    if (failure == null && value != null) {
      connections.answers.execute(() -> call.complete(value));
    } else {
      Throwable why =
          failure == null ? new IllegalStateException("no reply") : RedisLink.cause(failure);
      connections.answers.execute(() -> call.completeExceptionally(why));
    }
  }

  private boolean connect() {
    FunctionConnection fresh = null;
    try {
      InetSocketAddress found = place.find();
      address = found;
      logins.connects(connections.logins.now());
      fresh = connections.connect(found);
      var _ = Preparation.loadLibrary(fresh).get(LOAD_SECONDS, TimeUnit.SECONDS);
      FunctionConnection mine = fresh;
      mine.addListener(
          new RedisConnectionStateListener() {
            @Override
            public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
              connections.answers.execute(() -> giveUp(mine, "the connection was closed"));
            }
          });
      answering.connected();
      if (!connection.compareAndSet(null, mine)) {
        var _ = mine.closeAsync(); // another attempt has connected, and its connection is live
        return true;
      }
      if (!mine.isOpen()) {
        giveUp(mine, "the connection was closed");
        return true; // giveUp retries
      }
      log.info("Redis is up: {}", name());
      failures = 0;
      failure = null;
      refused = false;
      Preparation.checkPolicy(mine, connections.refusedCalls);
      onUp.accept(this);
      return true;
    } catch (RuntimeException | ExecutionException | TimeoutException | InterruptedException e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt(); // the link is being closed
      }
      String why = connections.refusedCalls.explained(FailureReason.of(e));
      failure = why;
      refused = FailureReason.root(e) instanceof ConnectException && why.contains("refused");
      if (failures++ % LOG_EVERY == 0 && !closed) {
        log.warn("Redis at {} cannot be used: {}", name(), why);
      }
      if (fresh != null) {
        connection.compareAndSet(fresh, null); // never the live connection of another attempt
        var _ = fresh.closeAsync();
      }
      return connection.get() != null;
    }
  }

  /** Drops the connection, and looks for the master anew. */
  void leave(String why) {
    FunctionConnection live = connection.get();
    if (live != null) {
      giveUp(live, why);
    }
  }

  /** Only the first caller acts: for later ones the connection is already another. */
  private void giveUp(FunctionConnection dead, String why) {
    if (!connection.compareAndSet(dead, null)) {
      return;
    }
    if (!closed) {
      log.warn("Redis at {} is down: {}", name(), why);
      retryLater();
    }
    if (dead.isOpen() && !closed) {
      reconnector.execute(dead::close); // on another thread, because it takes Lettuce's locks
    }
  }

  private void retryLater() {
    if (!closed) {
      var _ =
          reconnector.schedule(
              () -> {
                connected = false; // and stays so, whatever connect() throws
                faults.run(() -> connected = closed || connect());
                if (!connected) {
                  retryLater();
                }
              },
              RETRY_MS,
              TimeUnit.MILLISECONDS);
    }
  }

  /** Authenticates the live connection with a login that has changed, until Redis takes it. */
  void authenticate(RedisServers.Login now) {
    FunctionConnection live = connection.get();
    if (live != null) {
      logins.check(live, now, name());
    }
  }

  /** Called twice a second. */
  void tick() {
    answering.tick();
  }

  /** Redis's host and port, without the password. */
  String name() {
    InetSocketAddress known = address;
    return known == null ? connections.servers.shown() : RedisServers.shown(known);
  }

  /** Stops; the connection is closed with all others. */
  @Override
  public void close() {
    closed = true;
    reconnector.shutdownNow();
  }

  /** Stops, and closes the connection: other masters go on. */
  void retire() {
    close();
    FunctionConnection live = connection.getAndSet(null);
    if (live != null) {
      var _ = live.closeAsync();
    }
  }
}
