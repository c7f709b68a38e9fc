package relay.upstream;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import okhttp3.FormBody;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import relay.config.Cloud;
import relay.config.Credential;
import relay.token.AccessToken;
import relay.token.TokenCache;
import relay.token.TokenRefusedException;

/**
 * Fetches access tokens for an application in Microsoft Entra: the client credentials grant of
 * OAuth 2.0 (RFC 6749, 4.4) at {@code /TENANT/oauth2/v2.0/token}. A secret proves the application,
 * or a token of its platform (RFC 7523, 2.2; "OAuth 2.0 client credentials flow",
 * learn.microsoft.com, "Third case: Access token request with a federated credential").
 */
final class EntraTokens implements TokenCache.Fetch {
  private static final int MOST_BYTES = 64 * 1024;
  private static final String ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

  private final CompletableFuture<OkHttpClient> client;
  private final HttpUrl url;
  private final String clientId;
  private final String scope;
  private final Proof proof;
  private final InstantSource clock;

  /** Adds what proves the application. */
  @FunctionalInterface
  private interface Proof {
    void addTo(FormBody.Builder form) throws IOException;
  }

  private EntraTokens(
      CompletableFuture<OkHttpClient> client,
      Cloud.Azure azure,
      String tenantId,
      String clientId,
      Proof proof,
      InstantSource clock) {
    this.clock = clock;
    this.client = client;
    this.clientId = clientId;
    this.proof = proof;
    scope = azure.tokenScope();
    url =
        HttpUrl.get(azure.loginUrl().toString())
            .newBuilder()
            .addPathSegment(tenantId)
            .addPathSegments("oauth2/v2.0/token")
            .build();
  }

  static EntraTokens of(
      CompletableFuture<OkHttpClient> client,
      Cloud.Azure azure,
      Credential.EntraApp app,
      InstantSource clock) {
    return new EntraTokens(
        client,
        azure,
        app.tenantId(),
        app.clientId(),
        form -> form.add("client_secret", app.secret().reveal()),
        clock);
  }

  static EntraTokens of(
      CompletableFuture<OkHttpClient> client,
      Cloud.Azure azure,
      Credential.EntraWorkload workload,
      InstantSource clock) {
    return new EntraTokens(
        client,
        azure,
        workload.tenantId(),
        workload.clientId(),
        form ->
            form.add("client_assertion_type", ASSERTION)
                .add("client_assertion", platformToken(workload.tokenFile())),
        clock);
  }

  private static String platformToken(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(MOST_BYTES), StandardCharsets.UTF_8).strip();
    }
  }

  private Request request() throws IOException {
    FormBody.Builder form =
        new FormBody.Builder()
            .add("grant_type", "client_credentials")
            .add("client_id", clientId)
            .add("scope", scope);
    proof.addTo(form);
    return new Request.Builder().url(url).post(form.build()).build();
  }

  @Override
  public AccessToken fetch() throws IOException, TokenRefusedException {
    Instant asked = clock.instant();
    try (Response response = client.join().newCall(request()).execute()) {
      JsonNode said = TokenAnswers.read(response);
      switch (response.code()) {
        case 200 -> {}
        case 400, 401, 403 ->
            throw new TokenRefusedException(TokenAnswers.refusal(response.code(), said));
        default -> throw new IOException("the token endpoint answered " + response.code());
      }
      return TokenAnswers.token(said, asked, said.path("expires_in").asLong());
    }
  }
}
