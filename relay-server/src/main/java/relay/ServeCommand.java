package relay;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import relay.cli.Subcommand;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.EnvironmentConfig;
import relay.config.Loaded;
import relay.config.ServerConfig;
import relay.logging.Logging;
import relay.operate.ConfigLookup;
import relay.redis.RedisEngine;
import relay.reload.ConfigSource;

/** {@code relay serve}: one replica, until a signal ends the process. */
record ServeCommand(Map<String, String> environment, PrintStream err) implements Subcommand {
  private static final int START_SECONDS = 10;

  @Override
  public void describe(CommandSpec spec) {
    spec.name("serve");
    spec.usageMessage()
        .description(
            "Run a replica.",
            "Serves clients until SIGTERM or Ctrl-C. Open requests may then finish"
                + " (server.drain_ms), unless a second one comes.")
        .footer("  relay serve", "  relay serve --config deploy/relay.yaml");
  }

  @Override
  public int run(@Nullable Path config) throws InterruptedException {
    // The JDK would write to stderr itself, which blocks while the pipe is full.
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, e) -> LoggerFactory.getLogger(ServeCommand.class).error("{} ended", thread, e));
    NameCache.bound();
    Thread.ofPlatform().daemon().name("prepare").start(ServeCommand::prepare);
    CompletableFuture<Replica> started = new CompletableFuture<>();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(started), "stop"));
    Replica replica = start(config, started);
    Signals.on(
        "HUP",
        () -> {
          var _ = replica.reload();
        });
    new CountDownLatch(1).await();
    return ExitCode.OK;
  }

  /** Loads slow classes in the background, in parallel with the start. */
  private static void prepare() {
    Logging.prepare();
    RedisEngine.prepare();
  }

  private Replica start(@Nullable Path named, CompletableFuture<Replica> started) {
    try {
      Optional<EnvironmentConfig> found = named == null ? withoutFile() : Optional.empty();
      ConfigSource source =
          found.isPresent()
              ? new ConfigSource(found.get())
              : new ConfigSource(
                  ConfigLookup.file(named, environment, err)
                      .orElseThrow(() -> giveUp(started, ExitCode.USAGE)),
                  environment);
      return switch (source.read()) {
        case Loaded.Valid(Config config) -> {
          LogSettings.apply(config.logging());
          Replica replica = start(config, source, started);
          found.ifPresent(keys -> tell(keys, config.server()));
          yield replica;
        }
        case Loaded.Invalid(List<ConfigFault> faults) -> {
          faults.forEach(err::println);
          throw giveUp(started, ExitCode.USAGE);
        }
      };
    } catch (Error e) {
      e.printStackTrace(err);
      throw giveUp(started, ExitCode.SOFTWARE);
    }
  }

  /** The keys of the environment, where no file is. */
  private Optional<EnvironmentConfig> withoutFile() {
    return ConfigLookup.found(environment).isPresent()
        ? Optional.empty()
        : EnvironmentConfig.of(environment);
  }

  /** What was assumed without a file. */
  private void tell(EnvironmentConfig found, ServerConfig server) {
    Logging.flush(); // what the start logged comes first
    String keys =
        found.keys().entrySet().stream()
            .map(one -> one.getKey() + " (" + one.getValue() + ")")
            .collect(Collectors.joining(", "));
    err.printf(
        """

        No config file: Relay serves with the keys of %s.
          base URL   http://%s for Anthropic's SDKs and Claude Code, http://%2$s/v1 for OpenAI's
          dashboard  http://%s
          assumed    each key is an account of its own; limits are learned from answers; no credential of
                     clients, so only this machine is served; Redis is embedded, for this replica alone
        `relay check` and docs/configuration.md help with a file of your own.

        """,
        keys, server.listen(), server.adminListen());
  }

  private Replica start(Config config, ConfigSource source, CompletableFuture<Replica> started) {
    try {
      Replica replica = new Replica(config, source, environment);
      started.complete(replica);
      return replica;
    } catch (IOException | RuntimeException e) {
      Throwable root = e;
      while (root.getCause() != null) {
        root = root.getCause();
      }
      String why = root.getMessage();
      Logging.flush(); // log lines explain the error: they come first
      err.println("relay: cannot start: " + (why == null ? root : why));
      throw giveUp(started, ExitCode.SOFTWARE);
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
  private void stop(Future<Replica> started) {
    try {
      Replica replica = started.get(START_SECONDS, TimeUnit.SECONDS);
      for (String signal : List.of("TERM", "INT")) { // by now the JVM itself ignores them
        Signals.on(signal, replica::endDrain);
      }
      replica.stop();
      Logging.flush();
      Runtime.getRuntime().halt(ExitCode.OK); // a drained stop is a success, signal or not
    } catch (CancellationException e) {
      // the start failed and was reported
    } catch (ExecutionException | InterruptedException | TimeoutException e) {
      err.println("relay: stopped during the start");
    }
  }
}
