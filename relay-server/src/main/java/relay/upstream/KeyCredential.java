package relay.upstream;

import java.io.IOException;
import okhttp3.Request;
import relay.body.Payload;
import relay.config.Secret;
import relay.model.Dialect;
import relay.token.TokenRefusedException;

/** Authenticates requests with one key. */
@FunctionalInterface
interface KeyCredential {

  /**
   * Adds the credential to a request. Blocks if a token must be fetched first.
   *
   * @throws TokenRefusedException if the token endpoint rejects the key permanently
   * @throws IOException if no token is available now
   */
  Shown show(Request.Builder request, Payload body) throws IOException, TokenRefusedException;

  /** The credential that a request was sent with. */
  @FunctionalInterface
  interface Shown {
    /** A fixed credential, without renewal. */
    Shown FOR_GOOD = () -> false;

    /** Called after a 401. Returns whether to retry once with a newer token. */
    boolean renew();
  }

  /** For a provider without credentials. */
  static KeyCredential none() {
    return (_, _) -> Shown.FOR_GOOD;
  }

  static KeyCredential header(String name, Secret secret) {
    return (request, _) -> {
      request.header(name, secret.reveal());
      return Shown.FOR_GOOD;
    };
  }

  static KeyCredential bearer(Secret secret) {
    return (request, _) -> {
      request.header("authorization", "Bearer " + secret.reveal());
      return Shown.FOR_GOOD;
    };
  }

  static KeyCredential apiKey(Dialect dialect, Secret secret) {
    return switch (dialect) {
      case ANTHROPIC -> header("x-api-key", secret);
      case OPENAI -> bearer(secret);
    };
  }
}
