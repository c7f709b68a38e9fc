package relay.admission;

import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import relay.redis.Refusals;
import relay.redis.Refusals.Event;

/**
 * Whose fault a provider's refusal is: the request's, its model's, or that of the key and account.
 * One client's requests prove no state that others would suffer from, as one client cannot open the
 * breaker for the others.
 */
final class RefusalRule {
  /** An account that served a request within this time is taken for one that still serves. */
  private static final Duration LATELY = Duration.ofMinutes(1);

  /** An older refusal proves nothing, and an older acquittal no longer holds. */
  private static final Duration HOUR = Duration.ofHours(1);

  /** Within this time of each other, refusals of two clients are of the same cause. */
  private static final Duration TOGETHER = Duration.ofSeconds(10);

  /** What another replica served may be known this much later. */
  private static final Duration NEWS = Duration.ofSeconds(2);

  private static final String RATE = "rate";

  private RefusalRule() {}

  /** The kind of event of a 429. */
  static String rate() {
    return RATE;
  }

  /** The kind of event of a refusal that a second account repeated. */
  static String repeated(String what) {
    return "repeated " + what;
  }

  /** The kind of event of a refusal by which a key went out of use. */
  static String convicting(String what) {
    return "convicting " + what;
  }

  /**
   * A request that was refused.
   *
   * @param what the kind of event of this refusal
   */
  record Case(String what, String model, String client) {
    private boolean isOther(Event event) {
      return !event.client().equals(client) || !event.model().equals(model);
    }

    private boolean isOfOtherClient(Event event) {
      return !event.client().equals(client);
    }

    private boolean isOfOtherModel(Event event) {
      return !event.model().equals(model);
    }
  }

  /** What became of the refused request elsewhere. */
  enum Elsewhere {
    /** Another account served it. */
    SERVED,
    /** A second account refused it in the same way. */
    REFUSED,
    /** No other account could be asked, or it did not tell. */
    UNKNOWN
  }

  /** What is out of use. */
  enum Stop {
    /** Nothing, so far: this request avoids the account. */
    NOTHING,
    /** The model, at this account. */
    MODEL,
    /** The key, or its account. */
    ACCOUNT
  }

  /**
   * After a 403, or a stop for money.
   *
   * @param events at the key's quota group, before this refusal
   */
  static Stop stop(Case of, Elsewhere elsewhere, List<Event> events) {
    List<Event> served = served(events);
    boolean othersModel = served.stream().anyMatch(of::isOfOtherModel);
    Stop proven = othersModel ? Stop.MODEL : Stop.ACCOUNT;
    if (isRefusedToOthers(of, elsewhere, events, served)) {
      return proven;
    }
    boolean convictedBefore = isConvicted(of, of.client(), events); // but is in use again
    boolean servesOthers =
        served.stream().anyMatch(e -> of.isOfOtherClient(e) && !of.isOfOtherModel(e));
    return elsewhere == Elsewhere.SERVED && !convictedBefore && !servesOthers
        ? proven
        : Stop.NOTHING;
  }

  /** Whether others were refused, too, and no request was served since. */
  private static boolean isRefusedToOthers(
      Case of, Elsewhere elsewhere, List<Event> events, List<Event> served) {
    Predicate<Event> other =
        e -> e.what().equals(of.what()) && of.isOther(e) && !isConvicted(of, e.client(), events);
    Predicate<Event> counts =
        switch (elsewhere) {
          case SERVED, UNKNOWN -> other;
          // Each may be the fault of its request: only while the account serves no request.
          case REFUSED ->
              e ->
                  served.isEmpty()
                      && of.isOfOtherClient(e)
                      && (other.test(e) || e.what().equals(repeated(of.what())));
        };
    return events.stream()
        .filter(e -> isWithin(e, HOUR) && counts.test(e))
        .anyMatch(
            refused ->
                served.stream().noneMatch(e -> e.age().compareTo(later(refused.age(), NEWS)) < 0));
  }

  /** Whether the refusals of this client have put the key out of use within the hour. */
  private static boolean isConvicted(Case of, String client, List<Event> events) {
    return events.stream()
        .anyMatch(
            e ->
                e.what().equals(convicting(of.what()))
                    && e.client().equals(client)
                    && isWithin(e, HOUR));
  }

  private static Duration later(Duration a, Duration b) {
    return a.compareTo(b) > 0 ? a : b;
  }

  /** What a 429 cools down. */
  enum Limit {
    /** The account's class. */
    CLASS,
    /** The model, at this account. */
    MODEL,
    /** The client's requests for the model, at this account. */
    CLIENT
  }

  /** After a 429 for a rate. Parameters as of {@link #stop}. */
  static Limit limit(Case of, List<Event> events) {
    List<Event> served = served(events);
    boolean servesAnother =
        served.stream()
            .filter(of::isOfOtherModel)
            .anyMatch(
                e ->
                    events.stream()
                        .noneMatch(
                            r ->
                                r.what().equals(RATE)
                                    && r.model().equals(e.model())
                                    && r.age().compareTo(e.age()) < 0));
    if (servesAnother) {
      return Limit.MODEL;
    }
    boolean refusedToOthers =
        events.stream()
            .anyMatch(e -> e.what().equals(RATE) && of.isOfOtherClient(e) && isWithin(e, TOGETHER));
    boolean servesOthers =
        served.stream().anyMatch(e -> of.isOfOtherClient(e) && isWithin(e, TOGETHER));
    return servesOthers && !refusedToOthers ? Limit.CLIENT : Limit.CLASS;
  }

  private static List<Event> served(List<Event> events) {
    return events.stream()
        .filter(e -> e.what().equals(Refusals.SERVED) && isWithin(e, LATELY))
        .toList();
  }

  private static boolean isWithin(Event event, Duration time) {
    return event.age().compareTo(time) <= 0;
  }
}
