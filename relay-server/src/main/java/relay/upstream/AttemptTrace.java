package relay.upstream;

import okhttp3.Call;
import okhttp3.EventListener;

/** Notes how far an attempt got, for what it costs depends on that. */
final class AttemptTrace extends EventListener {
  /** Gives each call the trace that its request carries. */
  static final EventListener.Factory FACTORY =
      call -> {
        AttemptTrace trace = call.request().tag(AttemptTrace.class);
        return trace == null ? EventListener.NONE : trace;
      };

  private volatile boolean sent;

  @Override
  public void requestHeadersStart(Call call) {
    sent = true;
  }

  /** Whether the provider may have seen a part of the request. */
  boolean sent() {
    return sent;
  }
}
