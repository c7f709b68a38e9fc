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
 * The one connection to Redis, and the knowledge whether it is any good.
 *
 * <p>Lettuce would queue commands while Redis is away and replay them afterwards, each perhaps a
 * second charge. Here a connection that closed, or left {@value #SILENT} calls in a row without an
 * answer for as many timeouts, is given up: its calls fail at once, nothing is queued behind a dead
 * Redis, and a new one is tried every {@value #RETRY_MS} ms in the background until it answers.
 */
final class RedisLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisLink.class);

  /** A blackhole sends no reset: so many calls in a row without an answer count as one. */
  private static final int SILENT = 3;

  private static final int RETRY_MS = 200;

  /** A busy Redis may take its time over a library. */
  private static final int LOAD_SECONDS = 2;

  private static final int CLOSE_SECONDS = 2;

  /** Why Redis refuses for a while, in its own words: a failover, a start, no memory or disk. */
  private static final List<String> PASSING =
      List.of("READONLY ", "LOADING ", "MASTERDOWN ", "NOREPLICAS ", "BUSY ", "OOM ", "MISCONF ");

  /** A long outage is told of once in 30 s. */
  private static final int TOLD_EVERY = 150;

  /** Bound on calls without an answer: at 100 ms and 40,000 calls a second 4,000 are under way. */
  private static final int QUEUE = 50_000;

  private final LinkResources resources;
  private final FunctionClient client;
  private final RedisURI uri;
  private final Duration timeout;
  private final Deadlines deadlines;
  private final RefusedCalls refusals = new RefusedCalls(log::warn, System::nanoTime);
  private final Executor calls; // Lettuce has locks, which a loop's thread takes alone
  private final Executor answers;
  private final Runnable onUp;
  private final AtomicInteger silent = new AtomicInteger();
  private final ScheduledExecutorService reconnector =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("redis-reconnect").daemon().factory());
  private final AtomicReference<@Nullable FunctionConnection> connection = new AtomicReference<>();
  private volatile long answeredAt;
  private volatile @Nullable String refusal; // in Redis's words, while it refuses the connection
  private int failures; // to connect, in a row; of the one thread that connects
  private volatile boolean closed;

  /**
   * @param loop serves the connection; null for a thread of its own
   * @param onUp called in the background after every (re)connect, before the link counts as up for
   *     others; it may call scripts itself
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
   * A name with an underscore, as Docker's may have, is no host to the JDK: Lettuce takes the port
   * for a part of it, then, and the usual port for the port.
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
        .requestQueueSize(QUEUE)
        .pingBeforeActivateConnection(true)
        // Calls are timed here: Lettuce's own timer would end them first, as another failure
        .timeoutOptions(TimeoutOptions.builder().timeoutCommands(false).build())
        .socketOptions(
            SocketOptions.builder()
                .connectTimeout(Duration.ofSeconds(1))
                .tcpNoDelay(true)
                .keepAlive(true)
                .build())
        .build();
  }

  /** Makes ready what takes longest of Lettuce's and Netty's classes. */
  static void prepare() {
    var _ = options();
    var _ = Unpooled.EMPTY_BUFFER.isReadable(); // what Netty can do on this JVM
    var _ = new FlushConsolidationHandler().isSharable(); // the first annotation takes 20 ms
  }

  /** Connects, or leaves that to the background when Redis does not answer now. */
  void start() {
    if (!connect()) {
      retryLater();
    }
  }

  /** Whether scripts can be called now. */
  boolean isUp() {
    return connection.get() != null;
  }

  /** How long a call waits for its answer. */
  Duration timeout() {
    return timeout;
  }

  /** As {@link RedisEngine#refusal}. */
  Optional<String> refusal() {
    return Optional.ofNullable(refusal);
  }

  /**
   * Calls a script. The future fails with {@link TimeoutException} when its outcome is not known,
   * with {@link RedisGoneException} when it was not called at all.
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
              // Answers that come, but late, are from a Redis that is busy and not gone
              if (failure instanceof TimeoutException
                  && silent.incrementAndGet() >= SILENT
                  && deadlines.runningNanos() - answeredAt >= SILENT * timeout.toNanos()) {
                giveUp(live, "it left " + SILENT + " calls without an answer");
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
    deadlines.watch(reply); // from now on: the wait for the I/O thread is not the fault of Redis
    var _ =
        live.call(function, keys, args)
            .whenComplete(
                (value, failure) -> {
                  if (failure == null || cause(failure) instanceof RedisCommandExecutionException) {
                    silent.setPlain(0); // a refusal is an answer, too
                    answeredAt = deadlines.runningNanos();
                  }
                  if (failure != null && cause(failure) instanceof RedisReadOnlyException) {
                    giveUp(live, "it has become a replica");
                  }
                  if (isUnknown(failure)) {
                    // It was flushed, or Redis started anew: nothing ran, so it may be called
                    // again.
                    var _ =
                        loadLibrary(live)
                            .thenCompose(name -> live.call(function, keys, args))
                            .whenComplete((v, f) -> complete(reply, v, f));
                  } else {
                    complete(reply, value, failure);
                  }
                });
  }

  /** Tells of a call that Redis refused. */
  void refused(String what, RedisCommandExecutionException why) {
    refusals.add(what, why);
  }

  /** Whether a refusal is not of what was asked: Redis cannot write now, but may later. */
  static boolean isPassing(RedisCommandExecutionException refusal) {
    String why = String.valueOf(refusal.getMessage());
    return PASSING.stream().anyMatch(why::startsWith);
  }

  private static boolean isUnknown(@Nullable Throwable failure) {
    return failure != null
        && cause(failure) instanceof RedisCommandExecutionException refused
        && String.valueOf(refused.getMessage()).contains("Function not found");
  }

  /** Gives Redis the scripts, unless it has them. */
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
      silent.set(0);
      answeredAt = deadlines.runningNanos();
      if (!connection.compareAndSet(null, mine)) {
        var _ = mine.closeAsync(); // another attempt was faster, and its connection is live
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
      if (failures++ % TOLD_EVERY == 0) {
        log.warn("Redis at {} cannot be used: {}", address(), RefusedCalls.explained(why));
      }
      if (fresh != null) {
        connection.compareAndSet(fresh, null); // and no other attempt's
        var _ = fresh.closeAsync();
      }
      return connection.get() != null;
    }
  }

  /** What Redis said, or the system: Lettuce puts around it that it could not connect. */
  private static Throwable root(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  /** Only the first to notice acts: the others find that the connection is no longer this one. */
  private void giveUp(FunctionConnection dead, String why) {
    if (!connection.compareAndSet(dead, null)) {
      return;
    }
    if (!closed) {
      log.warn("Redis at {} is down: {}", address(), why);
      retryLater();
    }
    if (dead.isOpen() && !closed) {
      reconnector.execute(dead::close); // elsewhere, for it takes locks of Lettuce's
    }
  }

  private void retryLater() {
    if (!closed) {
      var _ =
          reconnector.schedule(
              () -> {
                if (!closed && !connect()) {
                  retryLater();
                }
              },
              RETRY_MS,
              TimeUnit.MILLISECONDS);
    }
  }

  /** Where Redis is, without its password. */
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
            .completeOnTimeout(null, CLOSE_SECONDS, TimeUnit.SECONDS) // or for ever, if it hangs
            .exceptionally(failure -> null)
            .join();
    var _ = resources.shutdown(0, CLOSE_SECONDS, TimeUnit.SECONDS);
  }
}
