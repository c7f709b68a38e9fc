package relay.admission;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Acquisition.Unavailable;
import relay.redis.model.KeyRequest;
import relay.redis.model.Lease;

/**
 * The questions of a search that pools were asked for keys. Owns them, and the lease that one was
 * answered with until it is used: what is not used goes back, however the search ends.
 */
final class KeyQuestions implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KeyQuestions.class);

  private final List<KeyRequest> aside = new ArrayList<>(0); // parked, while others are asked
  private @Nullable CompletableFuture<Acquisition> pending;
  private @Nullable Lease unused;

  /** Owns a question. */
  void begin(CompletableFuture<Acquisition> question) {
    pending = question;
  }

  /** Whether the last question has no answer yet: the request is parked. */
  boolean isPending() {
    return pending != null;
  }

  /** Waits for what is known first: the answer, or the refusal that a parked request is spared. */
  Acquisition firstAnswer() {
    if (pending instanceof KeyRequest question) {
      Acquisition first = question.first().exceptionally(KeyQuestions::none).join();
      if (!question.isDone()) {
        return first;
      }
    }
    return answer();
  }

  /** Waits for the answer, and owns the lease if it is one. */
  Acquisition answer() {
    Acquisition acquisition =
        Objects.requireNonNull(pending).exceptionally(KeyQuestions::none).join();
    if (acquisition instanceof Granted(Lease granted)) {
      unused = granted;
    }
    pending = null;
    return acquisition;
  }

  /** Cancelled because the client left, unless something is wrong. */
  private static Acquisition none(Throwable failure) {
    if (!(failure instanceof CancellationException)) {
      log.error("an error inside Relay", failure);
    }
    return new Unavailable();
  }

  /** Keeps the question of a parked request, while others are asked. */
  KeyRequest setAside() {
    KeyRequest parked = (KeyRequest) Objects.requireNonNull(pending);
    pending = null;
    aside.add(parked);
    return parked;
  }

  /** Waits for it again. */
  void takeUp(KeyRequest parked) {
    aside.remove(parked);
    begin(parked);
  }

  /** Leaves its line. */
  void giveUp(KeyRequest parked) {
    aside.remove(parked);
    giveBack(parked);
  }

  /** The granted lease has another owner now. */
  void used() {
    unused = null;
  }

  /** Gives back what the last question was answered with, or will be. */
  void giveBack() {
    CompletableFuture<Acquisition> question = pending;
    Lease lease = unused;
    pending = null;
    unused = null;
    try {
      if (question != null) {
        giveBack(question);
      }
    } finally {
      if (lease != null) {
        lease.cancel();
      }
    }
  }

  private static void giveBack(CompletableFuture<Acquisition> question) {
    if (!question.cancel(false)) {
      var _ = question.thenAccept(KeyQuestions::giveBack);
    }
  }

  static void giveBack(Acquisition acquisition) {
    if (acquisition instanceof Granted(Lease unwanted)) {
      unwanted.cancel();
    }
  }

  @Override
  public void close() {
    try {
      List.copyOf(aside).forEach(this::giveUp);
    } finally {
      giveBack();
    }
  }
}
