package relay;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import relay.cli.Arguments;
import relay.cli.Command;
import relay.config.Config;
import relay.config.LoggingConfig;
import relay.logging.Logging;
import relay.operate.ConfigLookup;
import relay.operate.Operator;
import relay.redis.RedisEngine;
import relay.trial.Trial;

/** Entry point: {@code relay COMMAND}. Exit codes: 0 ok, 1 failure at run time, 2 bad usage. */
public final class Main {
  private static final int FAILED = 1;
  private static final int BAD_USAGE = 2;
  private static final int START_SECONDS = 10;

  private Main() {}

  /** Runs a command. */
  public static void main(String[] args) throws InterruptedException {
    Command command = Arguments.parse(args);
    Logging.chooseManager();
    Map<String, String> environment = System.getenv();
    if (command instanceof Command.Serve(Path config)) {
      Thread.ofPlatform().daemon().name("prepare").start(Main::prepare);
      serve(config, environment);
      return;
    }
    Logging.configure(Level.INFO, Logging.Format.TEXT);
    System.exit(
        command instanceof Command.Try
            ? Trial.run(System.out, environment)
            : Operator.run(command, environment, System.out, System.err));
  }

  /** Loads slow classes in the background, in parallel with the start. */
  private static void prepare() {
    Logging.prepare();
    RedisEngine.prepare();
  }

  private static void serve(@Nullable Path file, Map<String, String> environment)
      throws InterruptedException {
    CompletableFuture<Replica> started = new CompletableFuture<>();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(started), "stop"));
    HangUp.on(start(file, environment, started)::refuseReload);
    new CountDownLatch(1).await();
  }

  private static Replica start(
      @Nullable Path file, Map<String, String> environment, CompletableFuture<Replica> started) {
    try {
      Optional<Config> config = ConfigLookup.load(file, environment, System.err);
      if (config.isEmpty()) {
        throw giveUp(started, BAD_USAGE);
      }
      configureLogging(config.orElseThrow().logging());
      return start(config.orElseThrow(), started);
    } catch (Error e) {
      e.printStackTrace();
      throw giveUp(started, FAILED);
    }
  }

  /** Reports a failed start, so that the shutdown hook does not wait for a replica. */
  private static IllegalStateException giveUp(Future<Replica> started, int exitCode) {
    started.cancel(false);
    System.exit(exitCode);
    return new IllegalStateException("still here");
  }

  /**
   * Stops the replica. If a signal arrives during the start, waits for the start to finish first.
   */
  private static void stop(Future<Replica> started) {
    try {
      started.get(START_SECONDS, TimeUnit.SECONDS).stop();
      Runtime.getRuntime().halt(0); // a drained stop is a success, signal or not
    } catch (CancellationException e) {
      // the start failed and was reported
    } catch (ExecutionException | InterruptedException | TimeoutException e) {
      System.err.println("relay: stopped during the start");
    }
  }

  private static Replica start(Config config, CompletableFuture<Replica> started) {
    try {
      Replica replica = new Replica(config);
      started.complete(replica);
      return replica;
    } catch (IOException | RuntimeException e) {
      Throwable root = e;
      while (root.getCause() != null) {
        root = root.getCause();
      }
      String why = root.getMessage();
      System.err.println("relay: cannot start: " + (why == null ? root : why));
      throw giveUp(started, FAILED);
    }
  }

  private static void configureLogging(LoggingConfig logging) {
    Level level =
        switch (logging.level()) {
          case ERROR -> Level.ERROR;
          case WARN -> Level.WARN;
          case INFO -> Level.INFO;
          case DEBUG -> Level.DEBUG;
          case TRACE -> Level.TRACE;
        };
    Logging.Format format =
        switch (logging.format()) {
          case JSON -> Logging.Format.JSON;
          case TEXT -> Logging.Format.TEXT;
        };
    Logging.configure(level, format);
  }
}
