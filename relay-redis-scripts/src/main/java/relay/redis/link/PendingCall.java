package relay.redis.link;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.library.ScriptFile;

/** A call of a script, and its reply: in a Cluster it may have to go to another master. */
final class PendingCall extends CompletableFuture<List<Object>> {
  /** Redirections of one call, at most, while its keys are in one place. */
  static final int MAX_REDIRECTIONS = 8;

  final boolean awaited;
  final String function;
  final byte[][] keys;
  final byte[][] args;
  private int redirections; // one thread after the other
  private boolean loaded; // likewise
  private long movingSince; // likewise; 0 = its keys have not been seen to move
  private volatile @Nullable MasterLink asked;
  private volatile Deadlines.@Nullable Call watched;

  PendingCall(ScriptFile script, byte[][] keys, byte[][] args) {
    awaited = script.isAwaited();
    function = script.function();
    this.keys = keys;
    this.args = args;
  }

  /** The master that was asked last. */
  @Nullable MasterLink asked() {
    return asked;
  }

  void asks(MasterLink master) {
    asked = master;
  }

  void watchedAs(Deadlines.Call call) {
    watched = call;
  }

  /** The reply was read: its deadline no longer counts. */
  void answered() {
    Deadlines.Call call = watched;
    if (call != null) {
      call.answered();
    }
  }

  /** Whether the call may be redirected once more. */
  boolean redirects() {
    return !isDone() && redirections++ < MAX_REDIRECTIONS;
  }

  /**
   * Whether the call may try again: some of its keys have moved to another master and some have
   * not, or that master is not connected yet.
   *
   * @param most nanoseconds since the first time
   */
  boolean triesAgain(long most) {
    long now = System.nanoTime();
    movingSince = movingSince == 0 ? now : movingSince;
    redirections = 0;
    return !isDone() && now - movingSince < most;
  }

  /** Whether a missing library may be loaded for the call: once. */
  boolean loads() {
    boolean first = !loaded;
    loaded = true;
    return first;
  }

  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>(); // what depends on it is not a call
  }
}
