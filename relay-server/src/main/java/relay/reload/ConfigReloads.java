package relay.reload;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigOutline;
import relay.config.Loaded;
import relay.config.RecordedReads;

/**
 * Reloads the configuration when one of its files changes, and on request.
 *
 * <p>Every two seconds one thread reads all files of the last attempt, and compares their contents.
 * Polling works alike for an editor's write or rename, a ConfigMap's symlinks, a network mount and
 * a file that does not exist yet; file system notifications miss some of these. A change is loaded
 * when two polls in a row read the same contents, so that a writer can finish its file.
 *
 * <p>All attempts run on that one thread.
 */
public final class ConfigReloads {
  private static final Logger log = LoggerFactory.getLogger(ConfigReloads.class);

  /** Pause between polls. 10,000 clients are 2 MB: to read and hash them takes 4 ms. */
  private static final Duration LOOK = Duration.ofSeconds(2);

  /** Pause between the two polls that must read the same. */
  private static final Duration SETTLE = Duration.ofMillis(300);

  /** Files that still change after this time are loaded as they are. */
  private static final Duration LONGEST_UNREST = Duration.ofSeconds(2);

  private static final int LOGGED_CHANGES = 200;

  /** What a reload needs of the replica. */
  public interface Target {
    /** The configuration in use. */
    Config running();

    /**
     * Switches new requests to another configuration. Called by one thread at a time; may block.
     *
     * @param state its hash and start, for display
     */
    void take(Config next, ConfigState state);

    /** Called after each attempt. */
    void attempted(ReloadOutcome outcome);
  }

  private final ConfigSource source;
  private final Target target;
  private final ScheduledExecutorService thread;
  private final InstantSource clock;
  private @Nullable RecordedReads changing;
  private long changingSinceNanos;
  private volatile ConfigState state;

  /**
   * @param source from which the configuration in use was read
   * @param first the state of the configuration in use
   * @param thread a single-threaded executor for all attempts
   */
  public ConfigReloads(
      ConfigSource source,
      ConfigState first,
      Target target,
      ScheduledExecutorService thread,
      InstantSource clock) {
    this.source = source;
    this.target = target;
    this.thread = thread;
    this.clock = clock;
    state = first;
  }

  /** The state of the configuration in use. */
  public ConfigState state() {
    return state;
  }

  /** Starts polling the files. */
  public void start() {
    lookAfter(LOOK);
  }

  /** Reloads now. The future fails only once the thread is shut down. */
  public CompletableFuture<ReloadOutcome> reload() {
    try {
      return CompletableFuture.supplyAsync(this::attempt, thread);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private void lookAfter(Duration pause) {
    try {
      var _ = thread.schedule(this::look, pause.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // the replica is stopping
    }
  }

  private void look() {
    boolean unrest = false;
    try {
      unrest = sawUnrest(System.nanoTime());
    } catch (Throwable e) { // the executor would swallow it
      log.error("the configuration's files could not be looked at", e);
    } finally {
      lookAfter(unrest ? SETTLE : LOOK);
    }
  }

  /** Polls once; reloads a stable change. Returns whether a file may still be changing. */
  boolean sawUnrest(long nowNanos) {
    RecordedReads now = source.seen().again();
    if (now.sameAs(source.seen())) {
      changing = null;
      return false;
    }
    if (changing == null) {
      changingSinceNanos = nowNanos;
    } else if (now.sameAs(changing) || nowNanos - changingSinceNanos > LONGEST_UNREST.toNanos()) {
      changing = null;
      var _ = attempt();
      return false;
    }
    changing = now;
    return true;
  }

  private ReloadOutcome attempt() {
    ReloadOutcome outcome;
    try {
      outcome = read();
    } catch (RuntimeException | Error e) {
      log.error("a new configuration could not be taken", e);
      outcome =
          new ReloadOutcome.Refused(
              List.of(source.file() + ": it is valid, but could not be taken; see Relay's log"));
    }
    if (outcome instanceof ReloadOutcome.Refused(List<String> faults)) {
      state = state.refusing(faults);
    }
    tell(outcome);
    target.attempted(outcome);
    return outcome;
  }

  private ReloadOutcome read() {
    return switch (source.read()) {
      case Loaded.Invalid(List<ConfigFault> faults) ->
          new ReloadOutcome.Refused(faults.stream().map(ConfigFault::toString).toList());
      case Loaded.Valid(Config config) -> take(config);
    };
  }

  private ReloadOutcome take(Config wanted) {
    Config running = target.running();
    String exposed = ExposedListener.fault(running.server(), wanted.server());
    if (exposed != null) {
      return new ReloadOutcome.Refused(List.of(source.file() + ": " + exposed));
    }
    Config next = wanted.startedAs(running);
    ConfigOutline outline = ConfigOutline.of(next);
    List<String> changes = ConfigOutline.of(running).changesTo(outline);
    List<String> needRestart =
        next.equals(wanted) ? List.of() : outline.pathsOfChangesTo(ConfigOutline.of(wanted));
    ConfigState now =
        new ConfigState(
            outline.hash(), changes.isEmpty() ? state.since() : clock.instant(), needRestart);
    if (!changes.isEmpty()) {
      target.take(next, now);
    }
    state = now;
    return new ReloadOutcome.Applied(now, changes);
  }

  private void tell(ReloadOutcome outcome) {
    switch (outcome) {
      case ReloadOutcome.Refused(List<String> faults) -> {
        log.warn(
            "the config is refused, nothing changes; faults in {}: {}",
            source.file(),
            faults.size());
        faults.forEach(fault -> log.warn("config fault: {}", fault));
      }
      case ReloadOutcome.Applied(ConfigState now, List<String> changes) -> {
        log.info(
            "config {} read again: {}", now.hash(), changes.isEmpty() ? "no change" : "in effect");
        changes.stream().limit(LOGGED_CHANGES).forEach(line -> log.info("config: {}", line));
        if (changes.size() > LOGGED_CHANGES) {
          log.info("config: and {} more changes", changes.size() - LOGGED_CHANGES);
        }
        if (!now.needRestart().isEmpty()) {
          log.warn(
              "these settings hold from the next start, all others hold now: {}",
              String.join(", ", now.needRestart()));
        }
      }
    }
  }
}
