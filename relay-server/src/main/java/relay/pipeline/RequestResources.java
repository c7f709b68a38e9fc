package relay.pipeline;

import org.jspecify.annotations.Nullable;
import relay.admission.LeaseSearch;
import relay.upstream.UpstreamAnswer;

/**
 * Owns what a request must give back: its client's quota and the lease of the current attempt, with
 * the search for them, and the provider's answer. One thread uses it. {@link #transfer} moves
 * everything to a new owner for another thread, and leaves this one empty. So every path, also one
 * through an {@code Error}, closes everything exactly once.
 */
final class RequestResources implements AutoCloseable {
  private @Nullable LeaseSearch search;
  private @Nullable UpstreamAnswer answer;

  /** Moves everything to a new owner. */
  RequestResources transfer() {
    RequestResources next = new RequestResources();
    next.search = search;
    next.answer = answer;
    search = null;
    answer = null;
    return next;
  }

  void own(LeaseSearch ofRequest) {
    search = ofRequest;
  }

  void own(UpstreamAnswer ofProvider) {
    answer = ofProvider;
  }

  /** Closes the answer, then its lease. */
  void endAttempt() {
    UpstreamAnswer ended = answer;
    answer = null;
    try {
      if (ended != null) {
        ended.close();
      }
    } finally {
      if (search != null) {
        search.endAttempt();
      }
    }
  }

  @Override
  public void close() {
    LeaseSearch ended = search;
    try {
      endAttempt();
    } finally {
      search = null;
      if (ended != null) {
        ended.close();
      }
    }
  }
}
