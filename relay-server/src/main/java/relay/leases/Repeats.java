package relay.leases;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import relay.redis.Notes;

/**
 * Calls that are sent once more with the same {@code idempotency_key}, because their answer was
 * lost: they get the answer of the first. Whoever comes while the first is under way waits for it.
 */
final class Repeats {
  /** How long an answer is kept. */
  private static final Duration KEEP = Duration.ofMinutes(10);

  /** A call takes no longer than it waits, and this. */
  private static final Duration CALL = Duration.ofSeconds(10);

  private static final String PENDING = "pending";
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final Notes notes;

  Repeats(Notes notes) {
    this.notes = notes;
  }

  /** What a call with a key is. */
  sealed interface Turn {
    /** It is the first: its end must be told. */
    record First() implements Turn {}

    /** Another was granted this before. */
    record Answered(String json) implements Turn {}

    /** Another is still under way. */
    record Busy() implements Turn {}
  }

  /**
   * Begins a call. Blocks while another is under way; throws without Redis.
   *
   * @param wait how long the call waits for capacity
   */
  Turn begin(String client, String key, Duration wait, BooleanSupplier isOver) {
    String name = name(client, key);
    Duration most = wait.plus(CALL);
    long until = System.nanoTime() + most.toNanos();
    do {
      String before = notes.first(name, PENDING, most).join();
      if (before.isEmpty()) {
        return new Turn.First();
      }
      if (!before.equals(PENDING)) {
        return new Turn.Answered(before);
      }
      LockSupport.parkNanos(LOOK_NANOS);
    } while (System.nanoTime() - until < 0 && !isOver.getAsBoolean());
    return new Turn.Busy();
  }

  /** The first call was granted a lease. Returns when others can know it. */
  void granted(String client, String key, String json) {
    notes.replace(name(client, key), json, KEEP).exceptionally(_ -> null).join();
  }

  /** The first call was not granted anything: the next one asks anew. */
  void refused(String client, String key) {
    notes.drop(name(client, key), PENDING).exceptionally(_ -> null).join();
  }

  private static String name(String client, String key) {
    return "idempotency:" + LeaseCall.hash(client + "\n" + key);
  }
}
