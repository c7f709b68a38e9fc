package relay.redis.script;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** This replica's part in the readable picture: of each plan one replica draws its lines. */
final class DrawnPicture {
  private static final long A_SECOND = 900_000_000; // a heartbeat may come a little early
  private static final int AT_ONCE = 200; // more that is new at once is drawn every few seconds

  private volatile boolean isMine; // by the last heartbeat
  private volatile int unread; // groups and keys, when news was last drawn without being read
  private volatile long unreadAt; // and when that was
  private volatile String nextMs = "-"; // time until the pool has capacity
  private volatile String free = ""; // of each class
  private volatile long toldFreeAt;

  DrawnPicture(long before) {
    unreadAt = before;
    toldFreeAt = before;
  }

  /** Whether this replica drew at the last heartbeat. */
  boolean isMine() {
    return isMine;
  }

  /** A heartbeat tells whether this replica draws. */
  void isMine(boolean now) {
    isMine = now;
  }

  /** Whether it draws what is new now; otherwise in a few seconds. */
  boolean isDue(boolean isWanted, long now) {
    return unread <= AT_ONCE || isWanted || now - unreadAt >= FleetSurvey.READ_EVERY_NANOS;
  }

  /** Counts groups and keys that were drawn, and not read. */
  void drewUnread(int size, long now) {
    unread = size;
    unreadAt = now;
    nextMs = "?";
  }

  /** All that was drawn was read, too. */
  void isRead() {
    unread = 0;
  }

  /** Time until the pool has capacity, in the script's words; once a second with what is free. */
  String next(long now) {
    if (free.isEmpty() || now - toldFreeAt < A_SECOND) {
      return nextMs;
    }
    toldFreeAt = now;
    return nextMs + free;
  }

  /** The free part of each class, by {@link FreeShares}. */
  void free(String shares) {
    free = shares;
  }

  /** The same by a snapshot; null if it never has. */
  void next(@Nullable Duration wait) {
    nextMs = wait == null ? "-" : Long.toString((wait.toNanos() + 999_999) / 1_000_000);
  }
}
