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
 * Reads the configuration again when a file of it changes, and when asked to.
 *
 * <p>About once a second one thread reads every file that the last attempt read, and compares the
 * contents. That works the same for an editor's write or rename, for a ConfigMap's symlinks, for a
 * network mount and for a file that is not there yet, where notifications of the system each have
 * gaps; and it holds no watch. A change is taken when two looks in a row see the same, so a file
 * that is half written is given the time to become whole.
 *
 * <p>All attempts run on that one thread, one after the other.
 */
public final class ConfigReloads {
  private static final Logger log = LoggerFactory.getLogger(ConfigReloads.class);

  /** Looks at most this often; many files slow it down, to a twentieth of a core. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  private static final Duration LONGEST_LOOK = Duration.ofSeconds(3);
  private static final int SHARE = 20;

  /** Between the two looks that must see the same. */
  private static final Duration SETTLE = Duration.ofMillis(300);

  /** After this time a file that still changes is read nevertheless. */
  private static final Duration LONGEST_UNREST = Duration.ofSeconds(2);

  private static final int LOGGED_CHANGES = 200;

  /** A replica, seen as the user of a configuration. */
  public interface Target {
    /** The configuration in use. */
    Config running();

    /**
     * Has all requests from now on served by another. Called by one thread at a time; may block.
     *
     * @param state what to show of it
     */
    void take(Config next, ConfigState state);

    /** An attempt is over. */
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
   * @param source the configuration in use was read from it
   * @param first the state of that
   * @param thread a single one; all attempts run there
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

  /** What the replica runs with. */
  public ConfigState state() {
    return state;
  }

  /** Begins to look at the files. */
  public void start() {
    lookAfter(LOOK);
  }

  /** Reads the configuration again, now. The future fails only once the thread is shut down. */
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
      // closed meanwhile
    }
  }

  private void look() {
    long began = System.nanoTime();
    boolean unrest = false;
    try {
      unrest = sawUnrest(began);
    } catch (RuntimeException e) {
      log.error("the configuration's files could not be looked at", e);
    } finally {
      long paid = (System.nanoTime() - began) * SHARE;
      long pause = Math.clamp(paid, LOOK.toNanos(), LONGEST_LOOK.toNanos());
      lookAfter(unrest ? SETTLE : Duration.ofNanos(pause));
    }
  }

  /** One look. Whether a file has changed, and may still be changing. */
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
    List<String> needRestart = outline.pathsOfChangesTo(ConfigOutline.of(wanted));
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
            "the config is refused, nothing changes: {} faults in {}",
            faults.size(),
            source.file());
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
