package relay.upstream;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.List;
import okhttp3.Call;
import okhttp3.Connection;
import okhttp3.EventListener;
import okhttp3.Protocol;
import org.jspecify.annotations.Nullable;
import relay.reach.ReadAhead;

/** Records how far an attempt got: the charge depends on it. */
final class AttemptTrace extends EventListener {
  /** Returns the trace that the call's request carries as a tag. */
  static final EventListener.Factory FACTORY =
      call -> {
        AttemptTrace trace = call.request().tag(AttemptTrace.class);
        return trace == null ? EventListener.NONE : trace;
      };

  private volatile boolean sent;
  private volatile boolean reached;
  private volatile @Nullable Connection connection;
  private volatile IdleWatch.@Nullable Watched watched;
  private volatile long lookupBegan;
  private volatile long lookupNanos;

  @Override
  public void dnsStart(Call call, String domainName) {
    lookupBegan = System.nanoTime();
  }

  @Override
  public void dnsEnd(Call call, String domainName, List<InetAddress> addresses) {
    lookupNanos = System.nanoTime() - lookupBegan;
  }

  @Override
  public void connectStart(Call call, InetSocketAddress address, Proxy proxy) {
    ConnectTime.begin(lookupNanos);
  }

  @Override
  public void connectEnd(
      Call call, InetSocketAddress address, Proxy proxy, @Nullable Protocol protocol) {
    ConnectTime.end();
  }

  @Override
  public void connectFailed(
      Call call,
      InetSocketAddress address,
      Proxy proxy,
      @Nullable Protocol protocol,
      IOException failure) {
    ConnectTime.end();
  }

  @Override
  public void connectionAcquired(Call call, Connection acquired) {
    uses(acquired);
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
    sends();
  }

  @Override
  public void secureConnectStart(Call call) {
    reached = true;
  }

  /** The connection of the attempt. */
  void uses(Connection acquired) {
    connection = acquired;
  }

  /** From now on the provider may have received a part of the request. */
  void sends() {
    sent = true;
  }

  /** The watch on the provider's silence. */
  void watchedBy(IdleWatch.Watched watch) {
    watched = watch;
  }

  /** Whether the body's next bytes are awaited: then the provider's silence is no fault. */
  void awaitsClient(boolean now) {
    IdleWatch.Watched known = watched;
    if (known != null) {
      known.heard();
      known.reading(!now);
    }
  }

  /** Whether a TLS handshake with the provider has begun: the proxy, if there is one, let it. */
  boolean reached() {
    return reached;
  }

  /** What was sent was refused unseen: the provider has not received the request. */
  void refused() {
    sent = false;
  }

  /** The connection of the call; null before there is one. */
  @Nullable Connection connection() {
    return connection;
  }

  /** Whether the provider may have received any part of the request. */
  boolean sent() {
    return sent;
  }
}
