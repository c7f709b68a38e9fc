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
  private final Map<Protocol, CompletableFuture<OkHttpClient>> made = new EnumMap<>(Protocol.class);

  ProviderClients(Function<Protocol, CompletableFuture<OkHttpClient>> maker) {
    this.maker = maker;
  }

  /** Begins to make a client. */
  synchronized CompletableFuture<OkHttpClient> prepare(Protocol preferred) {
    return made.computeIfAbsent(preferred, maker);
  }

  OkHttpClient preferring(Protocol preferred) {
    return prepare(preferred).join();
  }
}
