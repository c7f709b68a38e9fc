package relay.redis.script;

import org.jspecify.annotations.Nullable;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;

/**
 * A pool's groups and keys as they were read last, and the snapshot of them. Confined to one survey
 * at a time, but for what is volatile.
 */
final class ReadPool {
  private volatile @Nullable SurveyedRows rows;
  private volatile long readAt; // news was read
  private volatile long shownAt; // when the rows of the last snapshot were read
  private boolean stale; // what is in Redis is newer than the rows: all are to be read
  private long builtAt; // the last snapshot
  private @Nullable PoolSnapshot seen;

  ReadPool(long before) {
    readAt = before;
    shownAt = before;
    builtAt = before;
  }

  /** When the rows of the last snapshot were read. */
  long shownAt() {
    return shownAt;
  }

  /** When news was read. */
  long readAt() {
    return readAt;
  }

  /** The rows of this plan; null if there are none. */
  @SuppressWarnings("ReferenceEquality") // plans are large; another one is another object
  @Nullable SurveyedRows of(PoolPlan plan) {
    SurveyedRows known = rows;
    return known == null || known.plan() != plan ? null : known;
  }

  /** Whether nothing was read yet, of any plan. */
  boolean isEmpty() {
    return rows == null;
  }

  /** Whether the rows are older than what was drawn. */
  boolean isStale() {
    return stale;
  }

  /** Something was drawn that was not read. */
  void drewUnread() {
    stale = true;
  }

  /**
   * News was read.
   *
   * @param all whether everything was
   * @param isNews whether there was any
   * @param isWanted whether a page or command looks
   * @param micros the time of the last reply
   * @return the snapshot; the one before if nothing changed, null if it is not built now: of 10,000
   *     clients it would take longer than to read what is new
   */
  @Nullable PoolSnapshot read(
      SurveyedRows next,
      HeartbeatReply beat,
      boolean all,
      boolean isNews,
      boolean isWanted,
      long micros,
      long now) {
    boolean unbuilt = shownAt != readAt; // rows were read since the last snapshot
    rows = next;
    stale &= !all;
    readAt = now;
    PoolSnapshot before = seen;
    if (before != null && !isWanted && now - builtAt < FleetSurvey.READ_EVERY_NANOS) {
      return null;
    }
    shownAt = now;
    if (before != null && !unbuilt && !isNews && beat.isAsIn(before)) {
      return before;
    }
    builtAt = now;
    PoolSnapshot after =
        next.snapshot(beat.reply(), beat.fleet(), Math.max(micros, beat.reply().micros()));
    seen = after;
    return after;
  }

  /** Nothing was read: the pool every few seconds, with its groups and keys as they were. */
  @Nullable PoolSnapshot unread(HeartbeatReply beat, boolean isWanted, long now) {
    SurveyedRows known = rows;
    if (isWanted || known == null || now - builtAt < FleetSurvey.READ_EVERY_NANOS) {
      return null;
    }
    builtAt = now;
    stale = true;
    PoolSnapshot before = seen;
    if (before == null || shownAt != readAt || !beat.isAsIn(before)) {
      shownAt = readAt;
      seen = known.snapshot(beat.reply(), beat.fleet(), beat.reply().micros());
    }
    return seen;
  }

  /** The last snapshot. */
  @Nullable PoolSnapshot seen() {
    return seen;
  }
}
