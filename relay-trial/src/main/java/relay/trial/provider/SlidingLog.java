package relay.trial.provider;

import java.util.ArrayDeque;

/**
 * The strictest possible enforcement: never more than the limit in any interval of one window.
 *
 * <p>Entries within a ten-thousandth of the window become one, at the later time. That bounds the
 * log; the error is on the strict side.
 */
final class SlidingLog implements QuotaMeter {
  private static final int CELLS = 10_000;

  private final long limit;
  private final long windowNanos;
  private final ArrayDeque<Cell> cells = new ArrayDeque<>();
  private long used;

  SlidingLog(long limit, long windowNanos) {
    if (limit < 1 || limit > TokenBucket.MAX_LIMIT) {
      throw new IllegalArgumentException("limit must be 1.." + TokenBucket.MAX_LIMIT);
    }
    this.limit = limit;
    this.windowNanos = windowNanos;
  }

  @Override
  public long waitNanos(long nowNanos, long amount) {
    forget(nowNanos);
    long excess = used + amount - limit;
    if (excess <= 0) {
      return 0;
    }
    for (Cell cell : cells) {
      excess -= cell.amount;
      if (excess <= 0) {
        return cell.lastNanos + windowNanos - nowNanos;
      }
    }
    return windowNanos; // larger than the limit: it never fits
  }

  @Override
  public void take(long nowNanos, long amount) {
    forget(nowNanos);
    Cell last = cells.peekLast();
    if (last == null || nowNanos - last.firstNanos >= windowNanos / CELLS) {
      last = new Cell(nowNanos);
      cells.add(last);
    }
    last.lastNanos = nowNanos;
    last.amount += amount;
    used += amount;
  }

  @Override
  public void takeAtMost(long nowNanos, long amount) {
    take(nowNanos, Math.min(amount, remaining(nowNanos)));
  }

  @Override
  public long remaining(long nowNanos) {
    forget(nowNanos);
    return Math.max(0, limit - used);
  }

  @Override
  public long fullNanos(long nowNanos) {
    forget(nowNanos);
    Cell last = cells.peekLast();
    return last == null ? 0 : last.lastNanos + windowNanos - nowNanos;
  }

  @Override
  public long limit() {
    return limit;
  }

  private void forget(long nowNanos) {
    for (Cell first = cells.peekFirst();
        first != null && first.lastNanos <= nowNanos - windowNanos;
        first = cells.peekFirst()) {
      used -= first.amount;
      cells.removeFirst();
    }
  }

  private static final class Cell {
    private final long firstNanos;
    private long lastNanos;
    private long amount;

    private Cell(long nanos) {
      this.firstNanos = nanos;
      this.lastNanos = nanos;
    }
  }
}
