package relay.upstream;

import java.io.IOException;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import okhttp3.Request;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.body.Payload;
import relay.config.Secret;
import relay.token.TokenCache;
import relay.token.TokenRefusedException;

/** Authenticates with fetched access tokens. */
final class TokenCredential implements KeyCredential {
  private static final Logger log = LoggerFactory.getLogger(TokenCredential.class);

  /** Platform threads: fetching a token may block in a system call to resolve a name. */
  private static final Executor THREADS =
      task -> Thread.ofPlatform().name("token").daemon().start(task);

  private final String name;
  private final TokenCache tokens;

  /**
   * @param name provider and key, for the log
   */
  TokenCredential(String name, TokenCache.Fetch fetch) {
    this.name = name;
    tokens = cache(fetch);
  }

  static TokenCache cache(TokenCache.Fetch fetch) {
    return new TokenCache(fetch, InstantSource.system(), THREADS);
  }

  @Override
  public Shown show(Request.Builder request, Payload body)
      throws IOException, TokenRefusedException {
    Secret token;
    try {
      token = tokens.token();
    } catch (TokenRefusedException e) {
      log.warn("cannot get a token for {}: {}", name, e.getMessage());
      throw e;
    }
    request.header("authorization", "Bearer " + token.reveal());
    return () -> {
      tokens.forget(token);
      return true;
    };
  }
}
