package relay;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
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

  /** What takes its time later is loaded beside what comes first. */
  private static void prepare() {
    Logging.prepare();
    RedisEngine.prepare();
  }

  private static void serve(@Nullable Path file, Map<String, String> environment)
      throws InterruptedException {
    Optional<Config> config = ConfigLookup.load(file, environment, System.err);
    if (config.isEmpty()) {
      System.exit(BAD_USAGE);
    }
    configureLogging(config.orElseThrow().logging());
    Replica replica = start(config.orElseThrow());
    HangUp.on(replica::refuseReload);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  replica.stop();
                  Runtime.getRuntime().halt(0); // a drained stop is a success, signal or not
                },
                "stop"));
    new CountDownLatch(1).await();
  }

  private static Replica start(Config config) {
    try {
      return new Replica(config);
    } catch (IOException | RuntimeException e) {
      Throwable root = e;
      while (root.getCause() != null) {
        root = root.getCause();
      }
      String why = root.getMessage();
      System.err.println("relay: cannot start: " + (why == null ? root : why));
      System.exit(FAILED);
      throw new IllegalStateException(e);
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
