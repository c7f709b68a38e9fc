package relay.admission;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.admission.Failure.Stopped;
import relay.admission.RefusalRule.Case;
import relay.admission.RefusalRule.Elsewhere;
import relay.admission.RefusalRule.Stop;
import relay.metrics.Meters;
import relay.redis.Refusals;
import relay.redis.Refusals.Event;
import relay.upstream.ProviderApi;

/**
 * The accounts that refused a request by a 403 or because of money. So far only this request avoids
 * them. What becomes of it elsewhere, and what others met there, tells whether a key or account
 * goes out of use: see {@link RefusalRule}. Used by one thread at a time.
 */
final class Stops {
  private static final Logger log = LoggerFactory.getLogger(Stops.class);

  /** A client waits no longer for Relay's own probe. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final Meters meters;
  private final String client;
  private List<Refused> undecided = List.of(); // most requests are never refused
  private Set<String> keys = Set.of(); // of all accounts that refused

  /** A refusal, and what was known of its quota group before. */
  private record Refused(RequestPlan plan, Stopped stop, CompletableFuture<List<Event>> events) {
    Route route() {
      return plan.route();
    }

    Refusals log() {
      return plan.route().refusals();
    }

    String key() {
      return stop.lease().key();
    }

    String group() {
      return stop.lease().group();
    }
  }

  Stops(Meters meters, String client) {
    this.meters = meters;
    this.client = client;
  }

  /** Keys of accounts that refused the request: it is not for them. */
  Set<String> keys() {
    return keys;
  }

  /**
   * An account refused the request.
   *
   * @return whether another one has refused it in the same way: it is the request's fault
   */
  boolean refused(RequestPlan plan, Stopped stop) {
    Route route = plan.route();
    if (keys.isEmpty()) {
      keys = new HashSet<>();
      undecided = new ArrayList<>();
    }
    keys.addAll(route.pool().plan().keysOf(stop.account()));
    keys.add(stop.lease().key()); // also if a new configuration has it no longer
    Refused now =
        new Refused(
            plan,
            stop,
            plan.unread()
                ? CompletableFuture.completedFuture(List.of()) // it says nothing of the key
                : route
                    .refusals()
                    .refused(stop.lease().group(), stop.what(), plan.upstreamModel(), client));
    List<Refused> alike =
        undecided.stream()
            .filter(
                one ->
                    one.stop.isLike(stop)
                        && !(one.route().name().equals(route.name())
                            && one.stop.account().equals(stop.account())))
            .toList();
    undecided.add(now);
    if (alike.isEmpty()) {
      return false;
    }
    List<Refused> all = new ArrayList<>(alike);
    all.add(now);
    for (Refused one : all) {
      undecided.remove(one);
      if (!one.plan.unread()) {
        one.log()
            .retract(
                one.group(),
                one.stop.what(),
                RefusalRule.repeated(one.stop.what()),
                one.plan.upstreamModel(),
                client);
        judge(one, Elsewhere.REFUSED);
        var _ = probe(one);
      }
    }
    return true;
  }

  /** Another account has served the request. */
  void served() {
    if (undecided.isEmpty()) {
      return;
    }
    for (Refused one : undecided) {
      if (!one.plan.unread() && judge(one, Elsewhere.SERVED) == Stop.NOTHING) {
        var _ = probe(one);
      }
    }
    undecided.clear();
  }

  /**
   * No account served the request, and no two refused it in the same way.
   *
   * @return whether one of those that refused it is out of use now
   */
  boolean isStateOfOne() {
    if (undecided.isEmpty()) {
      return false;
    }
    boolean found = false;
    for (Refused one : undecided) {
      if (!one.plan.unread()) {
        found |= judge(one, Elsewhere.UNKNOWN) == Stop.ACCOUNT || waitFor(probe(one));
      }
    }
    undecided.clear();
    return found;
  }

  private static boolean waitFor(CompletableFuture<Boolean> probe) {
    return probe.copy().completeOnTimeout(false, PATIENCE.toMillis(), TimeUnit.MILLISECONDS).join();
  }

  private Stop judge(Refused one, Elsewhere elsewhere) {
    Case of = new Case(one.stop.what(), one.plan.upstreamModel(), client);
    Stop decided = RefusalRule.stop(of, elsewhere, one.events.join());
    switch (decided) {
      case NOTHING -> {}
      case MODEL ->
          one.log()
              .refuse(Refusals.Scope.ofModel(one.group(), one.plan.upstreamModel()), Duration.ZERO)
              .join();
      case ACCOUNT -> stop(one);
    }
    return decided;
  }

  /**
   * Whether the provider refuses the key itself. Asks only after a 403: whether an account may
   * spend can be told only by a request that costs money.
   */
  private CompletableFuture<Boolean> probe(Refused one) {
    if (one.stop.kind() != Stopped.Kind.KEY) {
      return CompletableFuture.completedFuture(false);
    }
    return one.route()
        .probes()
        .refused(one.key(), one.stop.sentBy())
        .thenApply(
            refused -> {
              if (refused) {
                stop(one);
              }
              return refused;
            });
  }

  /**
   * The provider refused the key itself: it goes out of use. But if its credential was replaced
   * meanwhile, the refusal says nothing of the new one.
   *
   * @param sentBy with which credentials it was refused
   * @return whether it goes out of use
   */
  static boolean quarantine(
      Meters meters, Route route, String key, ProviderApi sentBy, String reason) {
    if (!sentBy.equals(route.api().having(key))) {
      return false;
    }
    meters.quarantined(route.name(), key);
    route.pool().quarantineRefused(List.of(key), reason);
    log.warn("quarantined in {}: {}: {}", route.name(), key, reason);
    return true;
  }

  private void stop(Refused one) {
    Route route = one.route();
    String reason = one.stop.reason();
    switch (one.stop.kind()) {
      case KEY -> {
        if (quarantine(meters, route, one.key(), one.stop.sentBy(), reason)) {
          one.log()
              .note(
                  one.group(),
                  RefusalRule.convicting(one.stop.what()),
                  one.plan.upstreamModel(),
                  client);
        }
      }
      case MONEY -> {
        List<String> all = route.pool().plan().keysOf(one.stop.account());
        all.forEach(key -> meters.quarantined(route.name(), key));
        route.pool().quarantine(all, reason);
        log.warn("quarantined in {}: account {}: {}", route.name(), one.stop.account(), reason);
      }
    }
  }
}
