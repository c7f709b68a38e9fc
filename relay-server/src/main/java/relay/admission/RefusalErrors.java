package relay.admission;

import java.util.Locale;
import relay.model.Dialect;
import relay.model.RelayError;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Impossible;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.OverBudget;
import relay.redis.model.Acquisition.Overloaded;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.Lasting;

/** The client's error when no key is granted. */
final class RefusalErrors {
  private RefusalErrors() {}

  static RelayError of(Acquisition acquisition, Dialect dialect) {
    return switch (acquisition) {
      case Granted _ -> throw new IllegalArgumentException("a grant is no refusal");
      case Exhausted(var retryAfter, var reason) when reason == Acquisition.Reason.OPEN_LEASES ->
          RelayError.rateLimited(
              "the client has %d leases open, and may have no more: settle or cancel what is done"
                  .formatted(Lasting.MOST_OPEN),
              retryAfter);
      case Exhausted e ->
          RelayError.rateLimited(
              "all keys are at their limits (%s): retry after the time given"
                  .formatted(reason(acquisition)),
              e.retryAfter());
      case Impossible i ->
          RelayError.invalid(
              "the request is larger than the whole %s limit of %d of any key"
                  .formatted(i.reason().label(), i.limit()));
      case OverBudget _ -> throw new IllegalArgumentException("keys of providers have no budgets");
      case NoneUsable _ ->
          RelayError.outOfUse(
              "every key of the provider that could carry the request is out of use: `relay keys`"
                  + " tells its operator why");
      case Overloaded _ ->
          RelayError.overloaded(
              dialect, "more requests wait for a key in this replica than Redis answers in time");
      case Unavailable _ ->
          RelayError.unavailable("the store of the rate limits cannot be reached");
    };
  }

  static RelayError unpriced(String model, String client) {
    return RelayError.invalid(
        "the model %s has no price (`prices`), and client %s has a budget in usd"
            .formatted(model, client));
  }

  static String word(Acquisition.Reason reason) {
    return reason.name().toLowerCase(Locale.ROOT);
  }

  /** The reason in one word, for metrics and messages. */
  static String reason(Acquisition acquisition) {
    return switch (acquisition) {
      case Granted _ -> throw new IllegalArgumentException("a grant is no refusal");
      case Exhausted e -> word(e.reason());
      case Impossible _ -> "impossible";
      case OverBudget _ -> "budget";
      case NoneUsable _ -> "quarantined";
      case Overloaded _ -> "overloaded";
      case Unavailable _ -> "unavailable";
    };
  }
}
