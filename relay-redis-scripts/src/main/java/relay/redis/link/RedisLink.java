package relay.redis.link;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.IntPredicate;
import relay.redis.library.ScriptFile;

/** A pool's way to the master that holds its keys. All keys of a pool have one slot. */
public final class RedisLink {
  /**
   * Prefixes of errors of a Redis that cannot write now: a failover, a start, a busy script, no
   * memory or disk.
   */
  private static final List<String> UNABLE =
      List.of(
          "READONLY ",
          "LOADING ",
          "MASTERDOWN ",
          "NOREPLICAS ",
          "BUSY ",
          "OOM ",
          "MISCONF ",
          "CLUSTERDOWN ");

  /** Replies of a Cluster whose slots move. */
  private static final List<String> REDIRECTIONS = List.of("MOVED ", "ASK ", "TRYAGAIN ");

  private final Masters masters;
  private final int slot;

  RedisLink(Masters masters, int slot) {
    this.masters = masters;
    this.slot = slot;
  }

  /** Whether scripts can be called now. */
  public boolean isUp() {
    MasterLink master = masters.of(slot);
    return master != null && master.isUp();
  }

  /** Whether answers come in time, or might: otherwise a call is not worth the wait. */
  public boolean isTimely() {
    MasterLink master = masters.of(slot);
    return master != null && master.isTimely();
  }

  /** Whether Redis answers, but later than the timeout. */
  public boolean isSlow() {
    MasterLink master = masters.of(slot);
    return master != null && master.isSlow();
  }

  /** Whether nothing listens where the master was: so it is gone for all. */
  public boolean isRefused() {
    MasterLink master = masters.of(slot);
    return master != null && master.isRefused();
  }

  /** Whether the pool's slot is one of these. */
  public boolean isIn(IntPredicate slots) {
    return slots.test(slot);
  }

  /** The time after which a call fails. */
  public Duration timeout() {
    return masters.connections().timeout;
  }

  /**
   * Calls a script. The future fails with {@link TimeoutException} when the outcome is unknown, and
   * with {@link RedisGoneException} when the script was not called. An update has no timeout: it
   * fails when the connection ends.
   */
  public CompletableFuture<List<Object>> call(ScriptFile script, byte[][] keys, byte[][] args) {
    MasterLink master = masters.of(slot);
    if (master == null) {
      return CompletableFuture.failedFuture(new RedisGoneException());
    }
    PendingCall call = new PendingCall(script, keys, args);
    master.call(call);
    return call;
  }

  /** Logs a call that Redis refused, at a limited rate. */
  public void reportRefusal(String what, RedisCommandExecutionException why) {
    masters.connections().refusedCalls.report(what, why);
  }

  /** Whether the same call may succeed later. */
  public static boolean isTransient(RedisCommandExecutionException refusal) {
    return isUnable(refusal) || begins(refusal, REDIRECTIONS);
  }

  /** Whether Redis cannot write now, but may later. */
  public static boolean isUnable(RedisCommandExecutionException refusal) {
    return begins(refusal, UNABLE);
  }

  private static boolean begins(RedisCommandExecutionException refusal, List<String> prefixes) {
    String why = String.valueOf(refusal.getMessage());
    return prefixes.stream().anyMatch(why::startsWith);
  }

  public static Throwable cause(Throwable failure) {
    return (failure instanceof CompletionException || failure instanceof ExecutionException)
            && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }
}
