package relay.upstream;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import okhttp3.FormBody;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import relay.config.Cloud;
import relay.config.Credential;
import relay.config.Secret;
import relay.token.AccessToken;
import relay.token.TokenCache;
import relay.token.TokenRefusedException;

/**
 * Fetches access tokens for an application in Microsoft Entra: the client credentials grant of
 * OAuth 2.0 (RFC 6749, 4.4) at {@code /TENANT/oauth2/v2.0/token}.
 */
final class EntraTokens implements TokenCache.Fetch {
  private static final int MOST_BYTES = 64 * 1024;
  private static final long LONGEST_LIFE_S = 86_400;
  private static final Pattern WORD = Pattern.compile("[a-z_]{1,40}");

  private final CompletableFuture<OkHttpClient> client;
  private final Request request;
  private final InstantSource clock;

  EntraTokens(
      CompletableFuture<OkHttpClient> client,
      Cloud.Azure azure,
      Credential.EntraApp app,
      InstantSource clock) {
    this.clock = clock;
    this.client = client;
    HttpUrl url =
        HttpUrl.get(azure.loginUrl().toString())
            .newBuilder()
            .addPathSegment(app.tenantId())
            .addPathSegments("oauth2/v2.0/token")
            .build();
    request =
        new Request.Builder()
            .url(url)
            .post(
                new FormBody.Builder()
                    .add("grant_type", "client_credentials")
                    .add("client_id", app.clientId())
                    .add("client_secret", app.secret().reveal())
                    .add("scope", azure.tokenScope())
                    .build())
            .build();
  }

  @Override
  public AccessToken fetch() throws IOException, TokenRefusedException {
    Instant asked = clock.instant();
    try (Response response = client.join().newCall(request).execute()) {
      response.body().source().request(MOST_BYTES);
      JsonNode said = read(response.body().source().getBuffer().snapshot().toByteArray());
      switch (response.code()) {
        case 200 -> {}
        case 400, 401, 403 -> throw new TokenRefusedException(refusal(response.code(), said));
        default -> throw new IOException("the token endpoint answered " + response.code());
      }
      String token = said.path("access_token").asText();
      long life = said.path("expires_in").asLong();
      if (token.isEmpty() || life <= 0) {
        throw new IOException("the token endpoint's answer holds no token");
      }
      return new AccessToken(new Secret(token), asked.plusSeconds(Math.min(life, LONGEST_LIFE_S)));
    }
  }

  /** Shows only the endpoint's error code: its description may hold confidential details. */
  private static String refusal(int status, JsonNode said) {
    String code = said.path("error").asText();
    return "the token endpoint answered "
        + status
        + (WORD.matcher(code).matches() ? " " + code : "");
  }

  private static JsonNode read(byte[] body) throws IOException {
    try {
      return new JsonMapper().readTree(body);
    } catch (JacksonException e) {
      throw new IOException(
          "the token endpoint's answer is not JSON"); // without the cause: its message would quote
      // the answer
    }
  }
}
