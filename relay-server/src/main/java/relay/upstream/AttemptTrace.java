package relay.upstream;

import okhttp3.Call;
import okhttp3.Connection;
import okhttp3.EventListener;
import org.jspecify.annotations.Nullable;

/** Notes how far an attempt got, for what it costs depends on that. */
final class AttemptTrace extends EventListener {
  /** Gives each call the trace that its request carries. */
  static final EventListener.Factory FACTORY =
      call -> {
        AttemptTrace trace = call.request().tag(AttemptTrace.class);
        return trace == null ? EventListener.NONE : trace;
      };

  private volatile boolean sent;
  private volatile @Nullable Connection connection;

  @Override
  public void connectionAcquired(Call call, Connection acquired) {
    connection = acquired;
  }

  @Override
  public void responseBodyEnd(Call call, long byteCount) {
    Connection used = connection;
    if (used != null) {
      ReadAhead.check(used);
    }
  }

  @Override
  public void requestHeadersStart(Call call) {
    sent = true;
  }

  /** What the answer comes on; null before it is known. */
  @Nullable Connection connection() {
    return connection;
  }

  /** Whether the provider may have seen a part of the request. */
  boolean sent() {
    return sent;
  }
}
