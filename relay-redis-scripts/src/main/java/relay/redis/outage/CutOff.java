package relay.redis.outage;

import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.link.RedisLink;
import relay.redis.model.Dimension;
import relay.redis.model.EngineOptions;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;

/**
 * What a replica may use while it is cut off from Redis and others may not be. They see that its
 * heartbeats stay away, and keep its share free: as much as it may have used. Where a limit is
 * nearly used up it first waits until they have noticed, but loses no credit by that. It uses its
 * whole share for as long as they reckon with it, and then a tenth of it. If Redis refuses
 * connections, no other replica can use it either: then the share holds for as long as that lasts.
 *
 * <p>{@code fleet/missing_replicas.lua} has the other side, with the same numbers.
 */
public final class CutOff {
  /** They notice within 1.6 s; by the end of this, their windows have made room. */
  static final Duration UNNOTICED = Duration.ofSeconds(3);

  static final Duration ALONE = Duration.ofSeconds(30);
  private static final double REST = 0.1;
  private static final double FULL = 0.9;

  private final long unnoticedNanos;
  private final BooleanSupplier isUp;
  private final BooleanSupplier isRefused;
  private final LongSupplier nanoTime;
  private volatile long sentNanos; // the last heartbeat that was answered
  private volatile long answeredNanos;
  private volatile Fleet most; // replicas that were alive at once

  private volatile boolean isAssumed; // the number of replicas is not known

  private record Fleet(int replicas, long nanos) {}

  /**
   * @param options says how many replicas there are before a heartbeat was answered
   */
  static CutOff of(EngineOptions options, Duration window, RedisLink link) {
    CutOff cutOff =
        new CutOff(
            window, link::isUp, link::isRefused, System::nanoTime, options.assumedReplicas());
    cutOff.isAssumed = options.replicas() == 0;
    return cutOff;
  }

  /**
   * @param replicas how many there are, before a heartbeat was answered
   */
  public CutOff(
      Duration window,
      BooleanSupplier isUp,
      BooleanSupplier isRefused,
      LongSupplier nanoTime,
      int replicas) {
    unnoticedNanos = Math.min(UNNOTICED.toNanos(), window.toNanos() / FairShare.CREDIT_DIVISOR);
    this.isUp = isUp;
    this.isRefused = isRefused;
    this.nanoTime = nanoTime;
    sentNanos = nanoTime.getAsLong();
    answeredNanos = sentNanos;
    most = new Fleet(replicas, sentNanos);
  }

  /**
   * Redis has answered a heartbeat.
   *
   * @param sent its time
   * @param replicas that were alive then
   */
  void heartbeat(long sent, int replicas) {
    sentNanos = sent;
    answeredNanos = nanoTime.getAsLong();
    if (replicas >= most.replicas() || isPast(most) || isAssumed) {
      isAssumed = false;
      most = new Fleet(replicas, answeredNanos);
    }
  }

  private boolean isPast(Fleet fleet) {
    return nanoTime.getAsLong() - fleet.nanos() >= ALONE.toNanos();
  }

  /**
   * The replicas that share the limits: the most that were seen alive lately. After an outage they
   * return one by one, and the next outage may begin before all have.
   */
  int replicas(@Nullable PoolSnapshot last) {
    return Math.max(last == null ? 1 : last.replicas(), most.replicas());
  }

  /**
   * Time until the share of a group that is full may be used. None if there is a connection: then
   * what is used without an answer is charged soon.
   *
   * @param replicas last seen alive, with this one
   */
  long waitNanos(int replicas) {
    if (replicas <= 1 || isUp.getAsBoolean()) {
      return 0;
    }
    return Math.max(0, answeredNanos + unnoticedNanos - nanoTime.getAsLong());
  }

  /** The part of the share that may be used. */
  double part(int replicas) {
    boolean reckonedWith = nanoTime.getAsLong() - sentNanos < ALONE.toNanos();
    return replicas <= 1 || reckonedWith || isUp.getAsBoolean() || isRefused.getAsBoolean()
        ? 1
        : REST;
  }

  /**
   * The groups that had no room for the share of a few seconds, which the others may not know of.
   */
  static Set<String> full(@Nullable PoolSnapshot last) {
    return last == null
        ? Set.of()
        : last.groups().stream()
            .filter(CutOff::isFull)
            .map(GroupState::id)
            .collect(Collectors.toSet());
  }

  private static boolean isFull(GroupState g) {
    return Arrays.stream(Dimension.values())
        .anyMatch(
            d -> {
              long coming = d.compareTo(Dimension.OUTPUT_TOKENS) < 0 ? 0 : g.reservedOutput();
              long limit = g.limits().of(d);
              return limit > 0 && g.used().of(d) + coming > FULL * limit;
            });
  }
}
