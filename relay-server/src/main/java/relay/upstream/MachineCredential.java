package relay.upstream;

import java.io.IOException;
import java.util.function.Function;
import okhttp3.Request;
import org.jspecify.annotations.Nullable;
import relay.bedrock.RequestSigner;
import relay.body.Payload;
import relay.config.Secret;
import relay.token.TokenCache;
import relay.token.TokenRefusedException;

/** Signs each request with a temporary key, which is renewed before it ends. */
final class MachineCredential implements KeyCredential {
  private final TokenCache keys;
  private final Function<Secret, RequestSigner> signerOf;
  private volatile @Nullable Current current;

  private record Current(Secret key, RequestSigner signer) {}

  MachineCredential(TokenCache keys, Function<Secret, RequestSigner> signerOf) {
    this.keys = keys;
    this.signerOf = signerOf;
  }

  @Override
  public Shown show(Request.Builder request, Payload body)
      throws IOException, TokenRefusedException {
    Secret key = keys.token();
    Current known = current;
    if (known == null || !known.key().equals(key)) {
      known = new Current(key, signerOf.apply(key));
      current = known;
    }
    SignedCredential.sign(known.signer(), request, body);
    return () -> {
      keys.forget(key);
      return true;
    };
  }
}
