package relay.redis.model;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A granted request: its key and its reservation. A lease ends exactly once, by {@link #settle},
 * {@link #cancel} or {@link #close}; later calls do nothing. A live lease is renewed in the
 * background; the lease of a process that died expires.
 */
public class Lease implements AutoCloseable {
  private static final long UNCOUNTED = -1;
  private static final AtomicReferenceFieldUpdater<Lease, @Nullable Usage> CHARGED =
      AtomicReferenceFieldUpdater.newUpdater(Lease.class, Usage.class, "charged");

  private final End end;
  private final String id;
  private final String key;
  private final String group;
  private final long inputTokens;
  private final long outputTokens;
  private final long epoch;
  private final long grantedMicros;
  private final long reservedNanodollars;
  private final Acquisition.@Nullable Reason wouldDeny;
  private final int requests;
  private final boolean isAtAdmission;
  private volatile @Nullable Usage charged; // set once, by CHARGED
  private volatile @Nullable Function<Duration, @Nullable Progress> progress;
  private volatile @Nullable Supplier<Made> made;
  private volatile Runnable onSpent = () -> {};

  /** Sends the end of a lease. */
  @FunctionalInterface
  public interface End {
    /**
     * @param cost what to charge; {@link Usage#NONE} if the request was never sent
     * @param nanodollars what to charge to its key's budgets
     */
    void ended(Lease lease, Usage cost, long nanodollars);
  }

  /**
   * What a running request has made of its output.
   *
   * @param made tokens so far
   * @param rest tokens expected still to come
   * @param spread their standard deviation
   */
  public record Progress(long made, long rest, long spread) {
    public Progress {
      made = Math.clamp(made, 0, Limits.MAX);
      rest = Math.clamp(rest, 0, Limits.MAX);
      spread = Math.clamp(spread, 0, Limits.MAX);
    }
  }

  /**
   * What a running request has made, of a pool whose demands name their key.
   *
   * @param outputTokens so far
   * @param nanodollars what the request costs by now, in billionths of a dollar; 0 if that does not
   *     count
   */
  public record Made(long outputTokens, long nanodollars) {
    public Made {
      outputTokens = Math.clamp(outputTokens, 0, Limits.MAX);
      nanodollars = Math.clamp(nanodollars, 0, Limits.MAX);
    }
  }

  /**
   * @param end gets the end of the lease
   * @param reservedNanodollars of its key's budgets
   * @param epoch the pool's, at the grant; 0 without Redis
   * @param grantedMicros on the pool's clock; 0 without Redis
   */
  public Lease(
      End end,
      String id,
      String key,
      String group,
      long inputTokens,
      long outputTokens,
      long reservedNanodollars,
      long epoch,
      long grantedMicros,
      Acquisition.@Nullable Reason wouldDeny) {
    this(
        end,
        id,
        key,
        group,
        inputTokens,
        outputTokens,
        reservedNanodollars,
        epoch,
        grantedMicros,
        wouldDeny,
        1,
        true);
  }

  /**
   * As the other constructor, of a lease that is for several requests.
   *
   * @param isAtAdmission whether the output is charged at admission
   */
  protected Lease(
      End end,
      String id,
      String key,
      String group,
      long inputTokens,
      long outputTokens,
      long reservedNanodollars,
      long epoch,
      long grantedMicros,
      Acquisition.@Nullable Reason wouldDeny,
      int requests,
      boolean isAtAdmission) {
    this.end = end;
    this.id = id;
    this.key = key;
    this.group = group;
    this.inputTokens = inputTokens;
    this.outputTokens = outputTokens;
    this.reservedNanodollars = reservedNanodollars;
    this.epoch = epoch;
    this.grantedMicros = grantedMicros;
    this.wouldDeny = wouldDeny;
    this.requests = requests;
    this.isAtAdmission = isAtAdmission;
  }

  /** A lease without a reservation, for a picked key: ending it does nothing. */
  public static Lease uncounted(String key, String group) {
    return new Lease((lease, cost, nanodollars) -> {}, "", key, group, 0, 0, 0, UNCOUNTED, 0, null);
  }

  /** Whether this replica granted the lease during an outage. */
  public final boolean isWithoutRedis() {
    return epoch == 0;
  }

  /** Whether anything was reserved. */
  private boolean isCounted() {
    return epoch != UNCOUNTED;
  }

  /** The lease's id, unique among all replicas. */
  public final String id() {
    return id;
  }

  /** Id of the key to use. */
  public final String key() {
    return key;
  }

  /** Id of the charged quota group. */
  public final String group() {
    return group;
  }

  /** Reserved input tokens. */
  public final long inputTokens() {
    return inputTokens;
  }

  /** Reserved output tokens. */
  public final long outputTokens() {
    return outputTokens;
  }

  /** The requests that it is for: one, unless its demand was {@link Lasting}. */
  public final int requests() {
    return requests;
  }

  /** Whether its output is charged at admission. */
  final boolean isAtAdmission() {
    return isAtAdmission;
  }

  /** The pool's epoch at the grant; 0 if granted without Redis. */
  public final long epoch() {
    return epoch;
  }

  /** Grant time on the pool's clock; 0 if granted without Redis. */
  public final long grantedMicros() {
    return grantedMicros;
  }

  /**
   * Reports the request's output every few seconds while the lease lives. Only for a demand with a
   * spread.
   *
   * @param source called from the engine's threads with the time within which output that is still
   *     to come counts; null for nothing to report
   */
  public final void reports(Function<Duration, @Nullable Progress> source) {
    progress = source;
  }

  /**
   * Has what the request makes counted in its key's limits and budgets while it runs, every few
   * seconds: only what is beyond the reservation. Only for a demand that names its key and has no
   * spread.
   *
   * @param source called from the engine's threads
   * @param spent called from the engine's threads, perhaps several times, when a budget that is
   *     {@link Budget#hard} is spent and the request has made more than it reserved
   */
  public final void reportsMade(Supplier<Made> source, Runnable spent) {
    onSpent = spent;
    made = source;
  }

  /** From now on no more than before is reported of what the request makes. */
  public final void reportsNoMore() {
    Made last = new Made(0, 0); // counts are sums: a smaller one changes nothing
    if (reportsMade()) {
      reportsMade(() -> last, () -> {});
    }
  }

  /** The output that the request has made, if reports have it. */
  @Nullable
  public final Made made() {
    Supplier<Made> source = made;
    return source == null ? null : source.get();
  }

  /** Whether {@link #reportsMade(Supplier, Runnable)} was called. */
  public final boolean reportsMade() {
    return made != null;
  }

  /** A hard budget of its key is spent. */
  public final void spent() {
    onSpent.run();
  }

  /** The reservation in the key's budgets, in billionths of a dollar. */
  public final long reservedNanodollars() {
    return reservedNanodollars;
  }

  /** Whether {@link #reports} was called; {@link #reportsMade()} tells of the other reports. */
  public final boolean isReported() {
    return progress != null;
  }

  /** The present report, of the output that comes within this time; null for none. */
  @Nullable
  public final Progress progress(Duration within) {
    Function<Duration, @Nullable Progress> source = progress;
    return source == null ? null : source.apply(within);
  }

  /** As {@link Acquisition.Granted#wouldDeny}. */
  public final Acquisition.@Nullable Reason wouldDeny() {
    return wouldDeny;
  }

  /** Ends the lease and charges the tokens actually used. Its requests stay counted. */
  public final void settle(long inputTokensUsed, long outputTokensUsed) {
    settle(inputTokensUsed, outputTokensUsed, 0);
  }

  /** As {@link #settle(long, long)}, and charges its key's budgets in billionths of a dollar. */
  public final void settle(long inputTokensUsed, long outputTokensUsed, long nanodollars) {
    long input = Math.clamp(inputTokensUsed, 0, Limits.MAX);
    long output = Math.clamp(outputTokensUsed, 0, Limits.MAX);
    Usage used = isCounted() ? new Usage(requests, input, output) : Usage.NONE;
    if (CHARGED.compareAndSet(this, null, used) && isCounted()) {
      end.ended(this, used, Math.clamp(nanodollars, 0, Limits.MAX));
    }
  }

  /** Ends the lease of a request that was never sent: refunds the whole charge. */
  public final void cancel() {
    if (CHARGED.compareAndSet(this, null, Usage.NONE) && isCounted()) {
      end.ended(this, Usage.NONE, 0);
    }
  }

  /** The final charge: {@link Usage#NONE} for a picked key, null while the lease is live. */
  public final @Nullable Usage charged() {
    return charged;
  }

  /** Ends the lease, unless it has ended, and charges the whole reservation. */
  @Override
  public final void close() {
    settle(inputTokens, outputTokens, reservedNanodollars);
  }
}
