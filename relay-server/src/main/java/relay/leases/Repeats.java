package relay.leases;

import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
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

  /** A first call is taken for lost with its replica when it has not been heard of for so long. */
  private static final Duration HEARD_OF = Duration.ofSeconds(10);

  /**
   * What a call writes while it is under way, with a token: it may be late, and another one's turn.
   */
  private static final String PENDING = "pending ";

  private static final long FIRST_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Calls of a client that wait for another, in a replica: each asks Redis now and then. */
  static final int MOST_WAITING = 100;

  private final Notes notes;
  private final Executor later =
      CompletableFuture.delayedExecutor(HEARD_OF.toMillis() / 3, TimeUnit.MILLISECONDS);
  private final Map<String, Integer> waiting = new ConcurrentHashMap<>(); // by client

  Repeats(Notes notes) {
    this.notes = notes;
  }

  /** What a call with a key is. */
  sealed interface Turn {
    /** It is the first: its end must be told. */
    final class First implements Turn {
      private final Notes notes;
      private final String name;
      private final String mine;
      private boolean ended;

      private First(Notes notes, String name, String mine) {
        this.notes = notes;
        this.name = name;
        this.mine = mine;
      }

      /** While it waits for capacity, others must not take it for lost. */
      private void stay(Executor later) {
        later.execute(
            () -> {
              synchronized (this) {
                if (!ended) {
                  var _ = notes.hold(name, mine, HEARD_OF);
                  stay(later);
                }
              }
            });
      }

      private synchronized void end() {
        ended = true;
      }

      /**
       * It was granted a lease. Until others can know it, a repeated call is {@link Busy}, and
       * looks again.
       *
       * @return completes when others can know it, or Redis cannot be told; the answer waits for
       *     it, for if this replica died after an answer that was lost, the repeated call would get
       *     another lease
       */
      CompletableFuture<?> granted(String json) {
        end();
        return notes.replace(name, json, KEEP).exceptionally(_ -> null);
      }

      /** It was not granted anything: the next one asks anew. Its answer need not wait. */
      CompletableFuture<?> refused() {
        end();
        return notes.drop(name, mine).exceptionally(_ -> null);
      }
    }

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
    String name = "idempotency:" + LeaseCall.hash(client + "\n" + key);
    String mine = PENDING + UUID.randomUUID();
    Turn turn = look(name, mine, wait.isPositive());
    if (!(turn instanceof Turn.Busy)) {
      return turn;
    }
    if (waiting.merge(client, 1, Integer::sum) > MOST_WAITING) {
      leave(client);
      return turn;
    }
    try {
      long until = System.nanoTime() + wait.plus(HEARD_OF).toNanos();
      long pause = FIRST_LOOK_NANOS;
      while (turn instanceof Turn.Busy && System.nanoTime() - until < 0 && !isOver.getAsBoolean()) {
        LockSupport.parkNanos(pause);
        pause = Math.min(2 * pause, LOOK_NANOS);
        turn = look(name, mine, wait.isPositive());
      }
      return turn;
    } finally {
      leave(client);
    }
  }

  private void leave(String client) {
    waiting.computeIfPresent(client, (_, n) -> n == 1 ? null : (Integer) (n - 1));
  }

  private Turn look(String name, String mine, boolean waits) {
    String before = notes.first(name, mine, HEARD_OF).join();
    if (before.isEmpty()) {
      Turn.First first = new Turn.First(notes, name, mine);
      if (waits) {
        first.stay(later);
      }
      return first;
    }
    return before.startsWith(PENDING) ? new Turn.Busy() : new Turn.Answered(before);
  }
}
