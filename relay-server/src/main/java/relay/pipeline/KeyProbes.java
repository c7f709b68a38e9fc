package relay.pipeline;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.admission.Route;
import relay.pool.QuarantineReason;
import relay.redis.Probation;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.KeyState;
import relay.upstream.ProviderApi;
import relay.upstream.UpstreamAnswer;
import relay.upstream.UpstreamCall.Outcome;

/**
 * Restores quarantined keys: a refused key when the provider accepts it again, a key of an account
 * at its spend limit when the month is over. An operator's quarantine stays.
 *
 * <p>An account that may spend no more is restored now and then, for a request to try it: only a
 * request that costs money can tell. If it is refused, the request goes on with another account,
 * and the pause doubles.
 *
 * <p>Checks each pool's last snapshot every two seconds, or once a second while a key is
 * quarantined. A replica runs at most one probe per pool, and Redis gives the turn for a key to one
 * replica.
 */
public final class KeyProbes implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KeyProbes.class);
  private static final long LOOK_MS = 1_000;
  private static final long LOOK_FOR_FIRST_MS = 2_000;

  /** Keys per check. If there are more, the first ones are restored first. */
  private static final int KEYS = 50;

  /** An account is tried by a request that may be refused: more seldom than a key is asked. */
  private static final int PATIENCE_WITH_MONEY = 6;

  private final Supplier<List<Route>> routes;
  private final Function<String, Probation> probations;
  private final Duration firstPause;
  private final InstantSource clock;
  private final Executor carriers;
  private final Map<String, Probation> probation = new ConcurrentHashMap<>();
  private final Set<String> busy = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService looks =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("key-probes").daemon().factory());

  /**
   * @param routes those of the configuration in use
   * @param probations by a pool's name
   * @param firstPause from a key's quarantine to its first probe; six times as long to an account's
   *     first try. The pauses double up to half an hour
   */
  public KeyProbes(
      Supplier<List<Route>> routes,
      Function<String, Probation> probations,
      Duration firstPause,
      InstantSource clock,
      Executor carriers) {
    this.routes = routes;
    this.probations = probations;
    this.firstPause = firstPause;
    this.clock = clock;
    this.carriers = carriers;
  }

  /** Starts the checks. */
  public void start() {
    lookIn(LOOK_MS);
  }

  private void lookIn(long millis) {
    try {
      var _ = looks.schedule(this::lookOrReport, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // the replica is stopping
    }
  }

  /** Nothing may end the checks. */
  private void lookOrReport() {
    boolean quarantined = false;
    try {
      quarantined = look();
    } catch (Throwable e) {
      report("probes", e);
    } finally {
      lookIn(quarantined ? LOOK_MS : LOOK_FOR_FIRST_MS);
    }
  }

  private static void report(String what, Throwable fault) {
    try {
      log.warn("{}: {}", what, fault.toString());
    } catch (Throwable e) {
      // probably no memory: the next fault is logged
    }
  }

  /** Returns whether a key is quarantined. */
  private boolean look() {
    List<Route> present = routes.get();
    boolean quarantined = false;
    Set<String> names = present.stream().map(Route::name).collect(Collectors.toSet());
    probation.keySet().retainAll(names); // a provider that comes back has a pool of its own
    for (Route route : present) {
      PoolSnapshot pool = route.pool().latest();
      if (pool == null || pool.keys().stream().allMatch(key -> key.quarantine() == null)) {
        continue;
      }
      quarantined = true;
      try {
        look(route, pool);
      } catch (Throwable e) { // the others' keys are probed all the same
        report("probes of " + route.name(), e);
      }
    }
    return quarantined;
  }

  private void look(Route route, PoolSnapshot pool) {
    List<String> over =
        quarantined(
            pool,
            reason ->
                QuarantineReason.end(reason)
                    .filter(end -> !end.isAfter(clock.instant()))
                    .isPresent());
    if (!over.isEmpty()) {
      restore(route, over, "its quarantine has ended");
    }
    // Another replica's configuration may have keys that this one cannot probe.
    List<String> refused = known(route, quarantined(pool, QuarantineReason::mayBeProbed));
    List<String> spent =
        known(route, spent(pool).values().stream().map(List::getFirst).limit(KEYS).toList());
    if (!(refused.isEmpty() && spent.isEmpty()) && busy.add(route.name())) {
      var _ =
          turn(route, refused, firstPause)
              .thenCompose(
                  turn ->
                      turn.isPresent()
                          ? CompletableFuture.completedFuture(turn)
                          : turn(route, spent, firstPause.multipliedBy(PATIENCE_WITH_MONEY)))
              .whenComplete(
                  (turn, failure) -> {
                    if (turn != null && turn.isPresent()) {
                      carriers.execute(() -> probe(route, pool, turn.get()));
                    } else {
                      busy.remove(route.name());
                    }
                  });
    }
  }

  private CompletableFuture<Optional<String>> turn(Route route, List<String> keys, Duration first) {
    return keys.isEmpty()
        ? CompletableFuture.completedFuture(Optional.empty())
        : of(route).turn(keys, first);
  }

  private static List<String> known(Route route, List<String> keys) {
    return keys.stream().filter(route.api()::knows).toList();
  }

  /** The keys of each account that may spend no more. */
  private static Map<String, List<String>> spent(PoolSnapshot pool) {
    return pool.keys().stream()
        .filter(key -> key.quarantine() != null && QuarantineReason.isSpendLimit(key.quarantine()))
        .collect(
            Collectors.groupingBy(
                KeyState::account, Collectors.mapping(KeyState::id, Collectors.toList())));
  }

  private static List<String> quarantined(PoolSnapshot pool, Predicate<String> reason) {
    return pool.keys().stream()
        .filter(key -> key.quarantine() != null && reason.test(key.quarantine()))
        .limit(KEYS)
        .map(KeyState::id)
        .toList();
  }

  /** Blocks until the provider answers. */
  private void probe(Route route, PoolSnapshot pool, String key) {
    try {
      for (List<String> account : spent(pool).values()) {
        if (account.contains(key)) {
          restore(route, account, "a request may try whether the account may spend again");
          return;
        }
      }
      switch (route.api().probe(key).execute()) {
        case Outcome.Answered(UpstreamAnswer answer) -> {
          try (answer) {
            if (accepted(answer.status())) {
              restore(route, List.of(key), "the provider answered a probe " + answer.status());
            } else {
              log.info("key {} of {}: a probe got {}", key, route.name(), answer.status());
            }
          }
        }
        case Outcome.Silent _, Outcome.Broken _ ->
            log.info("key {} of {}: a probe got no answer", key, route.name());
      }
    } finally {
      busy.remove(route.name());
    }
  }

  /** Asks the provider by this key, and blocks until it answers: whether it refuses the key. */
  public static boolean isRefused(ProviderApi api, String key) {
    ProviderApi present = api.having(key);
    if (present == null) {
      return false;
    }
    return switch (present.probe(key).execute()) {
      case Outcome.Answered(UpstreamAnswer answer) -> {
        try (answer) {
          yield isRefusal(answer.status());
        }
      }
      case Outcome.Silent _, Outcome.Broken _ -> false;
    };
  }

  /**
   * Any answer except a refusal proves the key, also a 404. If a later request is refused after
   * all, the pause before the next probe doubles.
   */
  private static boolean accepted(int status) {
    return status < 500 && !isRefusal(status);
  }

  private static boolean isRefusal(int status) {
    return status == 401 || status == 403;
  }

  private void restore(Route route, List<String> keys, String why) {
    var _ =
        of(route)
            .restore(keys)
            .whenComplete(
                (done, failure) -> {
                  if (failure == null) {
                    log.info("restored in {}: {}: {}", route.name(), String.join(", ", keys), why);
                  }
                });
  }

  private Probation of(Route route) {
    return probation.computeIfAbsent(route.name(), probations);
  }

  @Override
  public void close() {
    looks.shutdownNow();
  }
}
