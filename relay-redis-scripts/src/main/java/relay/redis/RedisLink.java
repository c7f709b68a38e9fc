package relay.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisReadOnlyException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.netty.buffer.Unpooled;
import io.netty.handler.flush.FlushConsolidationHandler;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one connection to Redis, and whether it works.
 *
 * <p>Lettuce would queue commands while Redis is away and replay them later; each replay could
 * charge twice. This class drops a connection that closed, or that left {@value #MAX_UNANSWERED}
 * calls in a row unanswered for as many timeouts. Its calls fail at once, nothing queues behind a
 * dead Redis, and a background thread reconnects every {@value #RETRY_MS} ms.
 */
final class RedisLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisLink.class);

  /**
   * A network that swallows packets sends no reset: this many calls in a row without an answer
   * count as a lost connection.
   */
  private static final int MAX_UNANSWERED = 3;

  private static final int RETRY_MS = 200;

  /** A busy Redis may take long to load the library. */
  private static final int LOAD_SECONDS = 2;

  private static final int CLOSE_SECONDS = 2;

  /** Prefixes of transient errors: a failover, a start, a busy script, no memory or disk. */
  private static final List<String> TRANSIENT =
      List.of("READONLY ", "LOADING ", "MASTERDOWN ", "NOREPLICAS ", "BUSY ", "OOM ", "MISCONF ");

  /** A long outage is logged once in 30 s. */
  private static final int LOG_EVERY = 150;

  /** Bound on unanswered calls: at 40,000 calls a second and 100 ms each, 4,000 are in flight. */
  private static final int MAX_QUEUED = 50_000;

  private final LinkResources resources;
  private final FunctionClient client;
  private final RedisURI uri;
  private final Duration timeout;
  private final Deadlines deadlines;
  private final RefusedCalls refusedCalls = new RefusedCalls(log::warn, System::nanoTime);
  private final Executor calls; // a loop's thread must be the only one that takes Lettuce's locks
  private final Executor answers;
  private final Runnable onUp;
  private final AtomicInteger unanswered = new AtomicInteger();
  private final ScheduledExecutorService reconnector =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("redis-reconnect").daemon().factory());
  private final SurvivedFaults faults =
      new SurvivedFaults("redis-reconnect", log::error, System::nanoTime);
  private final AtomicReference<@Nullable FunctionConnection> connection = new AtomicReference<>();
  private volatile long answeredAtNanos;
  private volatile @Nullable String refusal; // Redis's error while it refuses the connection
  private boolean connected; // only the reconnecting thread uses it
  private int failures; // failed connects in a row; only the connecting thread uses it
  private volatile boolean closed;

  /**
   * @param loop serves the connection; null for a thread of the link's own
   * @param onUp called on the connecting thread after every (re)connect; it may call scripts itself
   */
  RedisLink(String url, Duration timeout, @Nullable SocketLoop loop, Runnable onUp) {
    this.timeout = timeout;
    this.onUp = onUp;
    uri = uri(url);
    uri.setTimeout(Duration.ofSeconds(1));
    if (loop == null) {
      calls = Runnable::run;
      answers = Runnable::run;
      resources = new LinkResources(null);
      deadlines = new Deadlines(timeout.toNanos(), resources::afterOnEventLoop, System::nanoTime);
    } else {
      LoopEvents events = LoopEvents.on(loop);
      calls = events;
      answers = loop::begin;
      resources = new LinkResources(events);
      deadlines =
          new Deadlines(
              timeout.toNanos(),
              (nanos, task) -> {
                var _ = loop.executeAfter(task, nanos);
              },
              System::nanoTime);
    }
    client = new FunctionClient(resources, options());
  }

  /**
   * The JDK accepts no underscore in a host name, but Docker uses them. For such a URL Lettuce
   * takes the port for a part of the host name and uses the default port.
   */
  static RedisURI uri(String url) {
    RedisURI uri = RedisURI.create(url);
    String host = uri.getHost();
    if (host != null && host.matches("[^:]+:[0-9]{1,5}")) {
      int colon = host.indexOf(':');
      uri.setHost(host.substring(0, colon));
      uri.setPort(Integer.parseInt(host.substring(colon + 1)));
    }
    return uri;
  }

  private static ClientOptions options() {
    return ClientOptions.builder()
        .autoReconnect(false)
        .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
        .requestQueueSize(MAX_QUEUED)
        .pingBeforeActivateConnection(true)
        // Deadlines times the calls: Lettuce's timer would end them first, with another exception
        .timeoutOptions(TimeoutOptions.builder().timeoutCommands(false).build())
        .socketOptions(
            SocketOptions.builder()
                .connectTimeout(Duration.ofSeconds(1))
                .tcpNoDelay(true)
                .keepAlive(true)
                .build())
        .build();
  }

  /** Loads the slowest of Lettuce's and Netty's classes. */
  static void prepare() {
    var _ = options();
    var _ = Unpooled.EMPTY_BUFFER.isReadable(); // probes the JVM's features
    var _ = new FlushConsolidationHandler().isSharable(); // the first annotation takes 20 ms
  }

  /** Connects, or retries in the background if Redis does not answer now. */
  void start() {
    if (!connect()) {
      retryLater();
    }
  }

  /** Whether scripts can be called now. */
  boolean isUp() {
    return connection.get() != null;
  }

  /** The time after which a call fails. */
  Duration timeout() {
    return timeout;
  }

  /** As {@link RedisEngine#refusal}. */
  Optional<String> refusal() {
    return Optional.ofNullable(refusal);
  }

  /**
   * Calls a script. The future fails with {@link TimeoutException} when the outcome is unknown, and
   * with {@link RedisGoneException} when the script was not called.
   */
  CompletableFuture<List<Object>> call(ScriptFile script, byte[][] keys, byte[][] args) {
    FunctionConnection live = connection.get();
    if (live == null) {
      return CompletableFuture.failedFuture(new RedisGoneException());
    }
    return call(live, script, keys, args);
  }

  private CompletableFuture<List<Object>> call(
      FunctionConnection live, ScriptFile script, byte[][] keys, byte[][] args) {
    CompletableFuture<List<Object>> reply = new CompletableFuture<>();
    var _ =
        reply.whenComplete(
            (value, failure) -> {
              // Late answers show that Redis is busy, not gone
              if (failure instanceof TimeoutException
                  && unanswered.incrementAndGet() >= MAX_UNANSWERED
                  && deadlines.runningNanos() - answeredAtNanos
                      >= MAX_UNANSWERED * timeout.toNanos()) {
                giveUp(live, "it left " + MAX_UNANSWERED + " calls without an answer");
              }
            });
    calls.execute(() -> send(live, script.function(), keys, args, reply));
    return reply;
  }

  private void send(
      FunctionConnection live,
      String function,
      byte[][] keys,
      byte[][] args,
      CompletableFuture<List<Object>> reply) {
    // From now on: Redis is not to blame for the wait for this thread
    Deadlines.Call watched = deadlines.watch(reply);
    var _ =
        live.call(function, keys, args)
            .whenComplete(
                (value, failure) -> {
                  watched.answered();
                  if (failure == null || cause(failure) instanceof RedisCommandExecutionException) {
                    unanswered.setPlain(0); // a refusal is also an answer
                    answeredAtNanos = deadlines.runningNanos();
                  }
                  if (failure != null && cause(failure) instanceof RedisReadOnlyException) {
                    giveUp(live, "it has become a replica");
                  }
                  if (isUnknown(failure)) {
                    // The library was flushed, or Redis restarted empty: nothing ran, so a retry is
                    // safe.
                    var _ = deadlines.watch(reply);
                    var _ =
                        loadLibrary(live)
                            .thenCompose(name -> live.call(function, keys, args))
                            .whenComplete((v, f) -> complete(reply, v, f));
                  } else {
                    complete(reply, value, failure);
                  }
                });
  }

  /** Logs a call that Redis refused, at a limited rate. */
  void reportRefusal(String what, RedisCommandExecutionException why) {
    refusedCalls.report(what, why);
  }

  /** Whether the refusal is transient: Redis cannot write now, but may later. */
  static boolean isTransient(RedisCommandExecutionException refusal) {
    String why = String.valueOf(refusal.getMessage());
    return TRANSIENT.stream().anyMatch(why::startsWith);
  }

  private static boolean isUnknown(@Nullable Throwable failure) {
    return failure != null
        && cause(failure) instanceof RedisCommandExecutionException refused
        && String.valueOf(refused.getMessage()).contains("Function not found");
  }

  /** Loads the library into Redis, unless it is there. */
  private static CompletableFuture<String> loadLibrary(FunctionConnection live) {
    return live.load(ScriptFile.library())
        .exceptionally(
            failure -> {
              if (String.valueOf(cause(failure).getMessage()).contains("already exists")) {
                return "";
              }
              throw new CompletionException(cause(failure));
            });
  }

  private void complete(
      CompletableFuture<List<Object>> reply,
      @Nullable List<Object> value,
      @Nullable Throwable failure) {
    if (failure == null && value != null) {
      answers.execute(() -> reply.complete(value));
    } else {
      Throwable why = failure == null ? new IllegalStateException("no reply") : cause(failure);
      answers.execute(() -> reply.completeExceptionally(why));
    }
  }

  static Throwable cause(Throwable failure) {
    return (failure instanceof CompletionException || failure instanceof ExecutionException)
            && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  private boolean connect() {
    FunctionConnection fresh = null;
    try {
      fresh = client.connect(uri);
      var _ = loadLibrary(fresh).get(LOAD_SECONDS, TimeUnit.SECONDS);
      FunctionConnection mine = fresh;
      mine.addListener(
          new RedisConnectionStateListener() {
            @Override
            public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
              answers.execute(() -> giveUp(mine, "the connection was closed"));
            }
          });
      unanswered.set(0);
      answeredAtNanos = deadlines.runningNanos();
      if (!connection.compareAndSet(null, mine)) {
        var _ = mine.closeAsync(); // another attempt has connected, and its connection is live
        return true;
      }
      if (!mine.isOpen()) {
        giveUp(mine, "the connection was closed");
        return true; // giveUp retries
      }
      log.info("Redis is up: {}", address());
      failures = 0;
      refusal = null;
      onUp.run();
      return true;
    } catch (RuntimeException | ExecutionException | TimeoutException | InterruptedException e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt(); // the link is being closed
      }
      Throwable root = root(e);
      String why = root.getMessage() == null ? root.toString() : root.getMessage();
      refusal = root instanceof RedisCommandExecutionException ? why : null;
      if (failures++ % LOG_EVERY == 0) {
        log.warn("Redis at {} cannot be used: {}", address(), RefusedCalls.explained(why));
      }
      if (fresh != null) {
        connection.compareAndSet(fresh, null); // never the live connection of another attempt
        var _ = fresh.closeAsync();
      }
      return connection.get() != null;
    }
  }

  /** The root cause: Lettuce wraps the error of Redis or the system. */
  private static Throwable root(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  /** Only the first caller acts: for later ones the connection is already another. */
  private void giveUp(FunctionConnection dead, String why) {
    if (!connection.compareAndSet(dead, null)) {
      return;
    }
    if (!closed) {
      log.warn("Redis at {} is down: {}", address(), why);
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

  /** Redis's host and port, without the password. */
  private String address() {
    return uri.getHost() + ":" + uri.getPort();
  }

  @Override
  public void close() {
    closed = true;
    reconnector.shutdownNow();
    deadlines.close();
    var _ =
        client
            .shutdownAsync(0, CLOSE_SECONDS, TimeUnit.SECONDS)
            .completeOnTimeout(null, CLOSE_SECONDS, TimeUnit.SECONDS) // the shutdown could hang
            .exceptionally(failure -> null)
            .join();
    var _ = resources.shutdown(0, CLOSE_SECONDS, TimeUnit.SECONDS);
  }
}
