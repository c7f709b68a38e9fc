package relay.upstream;

import java.io.IOException;
import okhttp3.Request;
import relay.body.Payload;
import relay.config.Secret;
import relay.model.Dialect;
import relay.token.TokenRefusedException;

/** How one key shows that it is one. */
@FunctionalInterface
interface KeyCredential {

  /**
   * Adds to a request what proves the key. Blocks where a token must be fetched first.
   *
   * @throws TokenRefusedException if there is no token for this key, and will be none
   * @throws IOException if a token cannot be had now
   */
  Shown show(Request.Builder request, Payload body) throws IOException, TokenRefusedException;

  /** What a request was sent with. */
  @FunctionalInterface
  interface Shown {
    /** What cannot be had anew. */
    Shown FOR_GOOD = () -> false;

    /** After a 401: whether to try once more, with something newer. */
    boolean renew();
  }

  /** For a provider that asks for nothing. */
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
