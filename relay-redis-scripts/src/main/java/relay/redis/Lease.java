package relay.redis;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A granted request: the key that carries it and what is reserved there. It ends exactly once, by
 * {@link #settle}, {@link #cancel} or {@link #close}; later calls do nothing. While it lives it is
 * renewed in the background; the lease of a process that died expires by itself.
 */
public final class Lease implements AutoCloseable {
  private static final long UNCOUNTED = -1;

  private final KeyPool pool;
  private final String id;
  private final String key;
  private final String group;
  private final long inputTokens;
  private final long outputTokens;
  private final long epoch;
  private final long grantedMicros;
  private final Acquisition.@Nullable Reason wouldDeny;
  private final AtomicReference<@Nullable Usage> charged = new AtomicReference<>();

  Lease(
      KeyPool pool,
      String id,
      String key,
      String group,
      long inputTokens,
      long outputTokens,
      long epoch,
      long grantedMicros,
      Acquisition.@Nullable Reason wouldDeny) {
    this.pool = pool;
    this.id = id;
    this.key = key;
    this.group = group;
    this.inputTokens = inputTokens;
    this.outputTokens = outputTokens;
    this.epoch = epoch;
    this.grantedMicros = grantedMicros;
    this.wouldDeny = wouldDeny;
  }

  /** Of a key that was only picked: there is nothing to end. */
  static Lease uncounted(KeyPool pool, String key, String group) {
    return new Lease(pool, "", key, group, 0, 0, UNCOUNTED, 0, null);
  }

  /** Whether anything was reserved. */
  private boolean isCounted() {
    return epoch != UNCOUNTED;
  }

  /** The lease's id, unique among all replicas. */
  public String id() {
    return id;
  }

  /** Id of the key to use. */
  public String key() {
    return key;
  }

  /** Id of the quota group that is charged. */
  public String group() {
    return group;
  }

  /** Reserved input tokens. */
  public long inputTokens() {
    return inputTokens;
  }

  /** Reserved output tokens. */
  public long outputTokens() {
    return outputTokens;
  }

  /** The epoch of the pool in which it was granted; 0 if it was granted without Redis. */
  long epoch() {
    return epoch;
  }

  /** When it was granted, on the pool's clock; 0 if it was granted without Redis. */
  long grantedMicros() {
    return grantedMicros;
  }

  /** As {@link Acquisition.Granted#wouldDeny}. */
  public Acquisition.@Nullable Reason wouldDeny() {
    return wouldDeny;
  }

  /** Ends the lease with the tokens that were really used. The request stays counted. */
  public void settle(long inputTokensUsed, long outputTokensUsed) {
    long input = Math.clamp(inputTokensUsed, 0, Limits.MAX);
    long output = Math.clamp(outputTokensUsed, 0, Limits.MAX);
    Usage used = isCounted() ? new Usage(1, input, output) : Usage.NONE;
    if (charged.compareAndSet(null, used) && isCounted()) {
      pool.settle(this, input, output);
    }
  }

  /** Ends the lease of a request of which no byte was sent: nothing stays charged. */
  public void cancel() {
    if (charged.compareAndSet(null, Usage.NONE) && isCounted()) {
      pool.cancel(this);
    }
  }

  /** What it ended with, nothing for a key that was only picked; null while it lives. */
  public @Nullable Usage charged() {
    return charged.get();
  }

  /** Ends the lease, if nothing else did, as if all that was reserved had been used. */
  @Override
  public void close() {
    settle(inputTokens, outputTokens);
  }
}
