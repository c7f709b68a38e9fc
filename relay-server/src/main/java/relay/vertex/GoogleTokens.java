package relay.vertex;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.api.client.http.HttpResponseException;
import com.google.auth.oauth2.ComputeEngineCredentials;
import com.google.auth.oauth2.ExternalAccountCredentials;
import com.google.auth.oauth2.GoogleCredentials;
import com.google.auth.oauth2.ServiceAccountCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.config.Credential;
import relay.config.Secret;
import relay.token.AccessToken;
import relay.token.TokenCache;
import relay.token.TokenRefusedException;

/**
 * Fetches access tokens of Google with Google's library: for a service account's key file, for an
 * identity of another platform (workload identity federation), or from the metadata server of the
 * machine.
 */
public final class GoogleTokens implements TokenCache.Fetch {
  private static final List<String> SCOPES =
      List.of("https://www.googleapis.com/auth/cloud-platform");

  private final GoogleCredentials credentials;

  /** How requests reach a token endpoint. */
  @FunctionalInterface
  public interface Exchange {

    /** A request; its body is empty for a GET. */
    record Question(
        String method,
        String url,
        Map<String, String> headers,
        @Nullable String contentType,
        String body) {}

    /** The endpoint's answer. */
    record Answer(int status, @Nullable String contentType, String body) {}

    /** Sends a request, and blocks until it is answered. */
    Answer ask(Question question) throws IOException;
  }

  private GoogleTokens(GoogleCredentials credentials) {
    this.credentials = credentials;
  }

  /**
   * Tokens for a key file.
   *
   * @throws IllegalArgumentException if it is invalid; the configuration check prevents this
   */
  public static GoogleTokens of(Credential.ServiceAccount account, Exchange exchange) {
    TokenTransport transport = new TokenTransport(exchange);
    try {
      return new GoogleTokens(
          ServiceAccountCredentials.fromStream(stream(account.secret()), () -> transport)
              .toBuilder()
              .setScopes(SCOPES)
              .setDefaultRetriesEnabled(false) // TokenCache decides when to retry
              .build());
    } catch (IOException e) {
      throw new IllegalArgumentException("the service account key file is not valid");
    }
  }

  /**
   * Tokens for what another platform vouches for.
   *
   * @throws IllegalArgumentException if the configuration of Google's is invalid
   */
  public static GoogleTokens of(Credential.GoogleFederation federation, Exchange exchange) {
    TokenTransport transport = new TokenTransport(exchange);
    try {
      return new GoogleTokens(
          ExternalAccountCredentials.fromStream(stream(federation.secret()), () -> transport)
              .createScoped(SCOPES));
    } catch (IOException e) {
      throw new IllegalArgumentException("the credential configuration is not valid");
    }
  }

  /** Tokens from the metadata server; {@code GCE_METADATA_HOST} names another. */
  public static GoogleTokens ofMachine(Exchange exchange) {
    TokenTransport transport = new TokenTransport(exchange);
    return new GoogleTokens(
        ComputeEngineCredentials.newBuilder()
            .setHttpTransportFactory(() -> transport)
            .setScopes(SCOPES)
            .build());
  }

  private static InputStream stream(Secret secret) {
    return new ByteArrayInputStream(secret.reveal().getBytes(UTF_8));
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
        throw new TokenRefusedException("the token endpoint of Google answered " + status);
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
