package relay.standin;

import java.io.IOException;
import java.time.Duration;

/** A stream with events at a fixed interval. Confined to the pacer's thread. */
final class PacedStream implements Comparable<PacedStream> {
  private final Conversation conversation;
  private final long intervalNanos;
  private int left;
  private long dueNanos;

  PacedStream(Conversation conversation, int events, long intervalMillis) {
    this.conversation = conversation;
    this.left = events;
    this.intervalNanos = Duration.ofMillis(intervalMillis).toNanos();
    this.dueNanos = System.nanoTime();
  }

  long dueNanos() {
    return dueNanos;
  }

  /** Writes the due events; returns false at the stream's end. */
  boolean write(Frames frames) throws IOException {
    if (left-- <= 0) {
      conversation.end(frames);
      return false;
    }
    conversation.content(frames);
    dueNanos += intervalNanos;
    return true;
  }

  void close() {
    conversation.close();
  }

  @Override
  public int compareTo(PacedStream other) {
    return Long.signum(dueNanos - other.dueNanos);
  }
}
