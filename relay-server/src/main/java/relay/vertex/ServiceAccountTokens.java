package relay.vertex;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.api.client.http.HttpResponseException;
import com.google.auth.oauth2.ServiceAccountCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Date;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.config.Credential;
import relay.config.Secret;
import relay.token.AccessToken;
import relay.token.TokenCache;
import relay.token.TokenRefusedException;

/**
 * Fetches access tokens for a service account: sends a signed assertion to the key file's {@code
 * token_uri} (RFC 7523).
 */
public final class ServiceAccountTokens implements TokenCache.Fetch {
  private static final String SCOPE = "https://www.googleapis.com/auth/cloud-platform";

  private final ServiceAccountCredentials credentials;

  /** How requests reach the token endpoint. */
  @FunctionalInterface
  public interface Post {

    /** The endpoint's answer. */
    record Answer(int status, @Nullable String contentType, String body) {}

    /** Sends a request, and blocks until it is answered. */
    Answer post(String url, String contentType, byte[] body) throws IOException;
  }

  /**
   * @param post sends the requests
   * @throws IllegalArgumentException if the key file is invalid; the configuration check prevents
   *     this
   */
  public ServiceAccountTokens(Credential.ServiceAccount account, Post post) {
    try {
      TokenTransport transport = new TokenTransport(post);
      credentials =
          ServiceAccountCredentials.fromStream(
                  new ByteArrayInputStream(account.secret().reveal().getBytes(UTF_8)),
                  () -> transport)
              .toBuilder()
              .setScopes(List.of(SCOPE))
              .setDefaultRetriesEnabled(false) // TokenCache decides when to retry
              .build();
    } catch (IOException e) {
      throw new IllegalArgumentException("the service account key file is not valid");
    }
  }

  @Override
  public AccessToken fetch() throws IOException, TokenRefusedException {
    try {
      com.google.auth.oauth2.AccessToken token = credentials.refreshAccessToken();
      Date expires = token.getExpirationTime();
      if (expires == null) {
        throw new IOException("the token endpoint's token has no expiry");
      }
      return new AccessToken(new Secret(token.getTokenValue()), expires.toInstant());
    } catch (IOException e) {
      Integer status = status(e);
      if (status != null && (status == 400 || status == 401 || status == 403)) {
        throw new TokenRefusedException(
            "the token endpoint of the service account answered " + status);
      }
      throw e;
    }
  }

  private static @Nullable Integer status(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof HttpResponseException answer) {
        return answer.getStatusCode();
      }
    }
    return null;
  }
}
