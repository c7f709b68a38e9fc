package relay.admission;

import org.jspecify.annotations.Nullable;

/**
 * Whether a request is still worth its work. It is not when its client has disconnected, or when
 * the replica stops and its drain time is over, or when its budget is spent. Thread-safe.
 */
public final class Cancellation {
  private boolean cancelled;
  private volatile boolean clientGone;
  private volatile boolean overBudget;
  private @Nullable Runnable callback;

  /** The client has disconnected. From any thread. */
  public void clientLeft() {
    cancel(true);
  }

  /** The replica no longer waits for the request. From any thread. */
  public void cutOff() {
    cancel(false);
  }

  /** A hard budget of the client is spent. From any thread. */
  public void overBudget() {
    overBudget = true;
    cancel(false);
  }

  public boolean isOverBudget() {
    return overBudget;
  }

  private void cancel(boolean byClient) {
    Runnable toRun;
    synchronized (this) {
      clientGone |= byClient;
      cancelled = true;
      toRun = callback;
    }
    if (toRun != null) {
      toRun.run();
    }
  }

  /** Replaces the callback for a cancellation. Runs it at once if the request is cancelled. */
  public void onCancel(Runnable newCallback) {
    boolean now;
    synchronized (this) {
      callback = newCallback;
      now = cancelled;
    }
    if (now) {
      newCallback.run();
    }
  }

  /** Whether the client has disconnected or the replica has given the request up. */
  public synchronized boolean isCancelled() {
    return cancelled;
  }

  public boolean isClientGone() {
    return clientGone;
  }

  /** Whether the replica has given the request up while its client still waits for an answer. */
  public synchronized boolean isCutOff() {
    return cancelled && !clientGone;
  }
}
