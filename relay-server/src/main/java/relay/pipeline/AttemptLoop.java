package relay.pipeline;

import org.jspecify.annotations.Nullable;
import relay.admission.Admitted;
import relay.admission.Failure;
import relay.admission.LeaseSearch;
import relay.admission.LeaseSearch.Outcome;

/**
 * The attempts of a request: one provider after the other, each attempt with a lease of its own,
 * until one gets an answer or no more are allowed. Blocking code for a virtual thread.
 */
final class AttemptLoop {
  private final RequestContext request;
  private final RequestResources resources;
  private final ParsedRequest parsed;
  private final LeaseSearch search;

  /**
   * @param resources own the search
   */
  AttemptLoop(
      RequestContext request,
      RequestResources resources,
      ParsedRequest parsed,
      LeaseSearch search) {
    this.request = request;
    this.resources = resources;
    this.parsed = parsed;
    this.search = search;
  }

  /** Runs the request to its end, or until another thread continues it. */
  void run() {
    Outcome next = search.first();
    while (next != null) {
      next = follow(next);
    }
  }

  /** Null if it was the last. */
  private @Nullable Outcome follow(Outcome outcome) {
    switch (outcome) {
      case Outcome.Leased(Admitted admitted) -> {
        Failure failure = new ProviderAttempt(request, resources, parsed, admitted).make();
        return failure == null ? null : search.after(admitted, failure);
      }
      case Outcome.OutOfQuota refusal -> request.answer().refuse(refusal.error());
      case Outcome.NoCapacity refusal -> request.answer().refuse(refusal.error());
      case Outcome.Failed(Failure.ProviderFailed answer) -> request.answer().passOn(answer);
      case Outcome.Cancelled _ -> request.answer().cancelled();
    }
    return null;
  }
}
