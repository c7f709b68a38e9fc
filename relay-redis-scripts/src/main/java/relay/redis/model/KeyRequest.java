package relay.redis.model;

import java.util.concurrent.CompletableFuture;
import relay.redis.model.Acquisition.Exhausted;

/**
 * A request for a key: its answer, which may take until capacity returns. Cancel it when the answer
 * is no longer needed: a later grant is then cancelled.
 */
public final class KeyRequest extends CompletableFuture<Acquisition> {
  private final CompletableFuture<Acquisition> first;

  /**
   * Without an answer.
   *
   * @param mayWait whether the request may be parked
   */
  public KeyRequest(boolean mayWait) {
    first = mayWait ? new CompletableFuture<>() : this;
    if (mayWait) {
      var _ =
          whenComplete(
              (answer, failure) -> {
                if (failure == null) {
                  first.complete(answer);
                } else {
                  first.completeExceptionally(failure);
                }
              });
    }
  }

  /**
   * What is known first: the answer, or the refusal that is spared a request while it is parked.
   * Then this future is not done.
   */
  public CompletableFuture<Acquisition> first() {
    return first;
  }

  /**
   * The request is parked.
   *
   * @param refusal what it would be told otherwise
   */
  public void parked(Exhausted refusal) {
    first.complete(refusal);
  }
}
