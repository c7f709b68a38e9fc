package relay.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.metrics.Meters;
import relay.redis.Acquisition;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Unavailable;
import relay.redis.KeyRequest;
import relay.redis.Lease;
import relay.upstream.UpstreamAnswer;

/**
 * Owns what a request must give back: its client's quota, the lease of the current attempt, and the
 * provider's answer. One thread uses it. {@link #transfer} moves everything to a new owner for
 * another thread, and leaves this one empty. So every path, also one through an {@code Error},
 * closes everything exactly once.
 */
final class RequestResources implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RequestResources.class);

  private final Meters meters;
  private ClientQuota quota = ClientQuota.NONE;
  private @Nullable CompletableFuture<Acquisition> wish;
  private final List<KeyRequest> aside = new ArrayList<>(); // empty when it transfers
  private @Nullable Lease lease;
  private @Nullable UpstreamAnswer answer;
  private long reservedTokens;
  private boolean attempting;

  RequestResources(Meters meters) {
    this.meters = meters;
  }

  /** Moves everything to a new owner. */
  RequestResources transfer() {
    RequestResources next = new RequestResources(meters);
    next.quota = quota;
    next.wish = wish;
    next.lease = lease;
    next.answer = answer;
    next.reservedTokens = reservedTokens;
    next.attempting = attempting;
    quota = ClientQuota.NONE;
    wish = null;
    lease = null;
    answer = null;
    reservedTokens = 0;
    attempting = false;
    return next;
  }

  void own(ClientQuota ofClient) {
    quota = ofClient;
  }

  ClientQuota quota() {
    return quota;
  }

  /** Owns a lease that may be granted later. {@link #await} takes the result. */
  void expect(CompletableFuture<Acquisition> acquiring) {
    wish = acquiring;
  }

  /** Waits for the expected lease, and owns it if it is granted. */
  Acquisition await() {
    Acquisition acquisition =
        Objects.requireNonNull(wish).exceptionally(RequestResources::none).join();
    if (acquisition instanceof Granted(Lease granted)) {
      lease = granted;
    }
    wish = null;
    return acquisition;
  }

  /** Cancelled because the client left, unless something is wrong. */
  private static Acquisition none(Throwable failure) {
    if (!(failure instanceof CancellationException)) {
      log.error("an error inside Relay", failure);
    }
    return new Unavailable();
  }

  /**
   * As {@link #await}, but only until the request is parked: then the lease stays expected, and the
   * result is the refusal that it is spared.
   */
  Acquisition awaitFirst() {
    if (wish instanceof KeyRequest expected) {
      Acquisition first = expected.first().exceptionally(RequestResources::none).join();
      if (!expected.isDone()) {
        return first;
      }
    }
    return await();
  }

  /** Whether a lease is expected. */
  boolean expects() {
    return wish != null;
  }

  /** Owns the expected lease of a parked request beside others, while those are expected. */
  KeyRequest setAside() {
    KeyRequest parked = (KeyRequest) Objects.requireNonNull(wish);
    wish = null;
    aside.add(parked);
    return parked;
  }

  /** Expects it again. */
  void takeUp(KeyRequest parked) {
    aside.remove(parked);
    expect(parked);
  }

  /** Gives it back. */
  void giveUp(KeyRequest parked) {
    aside.remove(parked);
    giveBack(parked);
  }

  /** The lease of the current attempt. */
  Lease lease() {
    return Objects.requireNonNull(lease);
  }

  /** From now on the lease may be charged. */
  void beginAttempt(Supplier<Expected> expected) {
    Lease used = lease();
    quota.carriedBy(used, expected);
    attempting = true;
    long tokens = used.inputTokens() + used.outputTokens();
    meters.reserve(tokens);
    reservedTokens = tokens;
  }

  void own(UpstreamAnswer ofProvider) {
    answer = ofProvider;
  }

  /**
   * Closes the answer, then the lease. A lease that was not settled is charged what it reserved;
   * one without an attempt is cancelled.
   */
  void endAttempt() {
    UpstreamAnswer ended = answer;
    answer = null;
    try {
      if (ended != null) {
        ended.close();
      }
    } finally {
      endLease();
    }
  }

  /** The lease of the attempt has another owner from now on. */
  void handOver() {
    meters.release(reservedTokens);
    lease = null;
    reservedTokens = 0;
    attempting = false;
  }

  private void endLease() {
    Lease ended = lease;
    if (ended == null) {
      return;
    }
    long tokens = reservedTokens;
    boolean maybeSent = attempting;
    lease = null;
    reservedTokens = 0;
    attempting = false;
    try {
      if (maybeSent) {
        ended.close();
      } else {
        ended.cancel();
      }
    } finally {
      meters.release(tokens);
    }
  }

  /** Gives back a lease that no attempt uses, granted or still expected. */
  void giveBackLease() {
    CompletableFuture<Acquisition> unwanted = wish;
    wish = null;
    try {
      if (unwanted != null) {
        giveBack(unwanted);
      }
    } finally {
      endLease();
    }
  }

  private static void giveBack(CompletableFuture<Acquisition> unwanted) {
    if (!unwanted.cancel(false)) {
      var _ = unwanted.thenAccept(RequestResources::giveBack);
    }
  }

  private static void giveBack(Acquisition acquisition) {
    if (acquisition instanceof Granted(Lease unwanted)) {
      unwanted.cancel();
    }
  }

  @Override
  public void close() {
    try {
      endAttempt();
    } finally {
      try {
        List.copyOf(aside).forEach(this::giveUp);
        giveBackLease();
      } finally {
        quota.end();
      }
    }
  }
}
