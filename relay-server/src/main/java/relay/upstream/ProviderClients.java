package relay.upstream;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;

/**
 * The HTTP clients of one provider: one that speaks HTTP/1.1 only, and one that prefers HTTP/2. A
 * client with TLS loads certificates, so each is made in the background, when it is first needed.
 */
final class ProviderClients {
  private final Function<Protocol, CompletableFuture<OkHttpClient>> maker;
  private final Map<Protocol, CompletableFuture<OkHttpClient>> made;

  /**
   * @param likely the protocol whose client is made at once
   * @param maker begins to make a client that prefers a protocol
   */
  ProviderClients(Protocol likely, Function<Protocol, CompletableFuture<OkHttpClient>> maker) {
    this.maker = maker;
    made = new EnumMap<>(Map.of(likely, maker.apply(likely)));
  }

  OkHttpClient preferring(Protocol preferred) {
    return begun(preferred).join();
  }

  private synchronized CompletableFuture<OkHttpClient> begun(Protocol preferred) {
    return made.computeIfAbsent(preferred, maker);
  }
}
