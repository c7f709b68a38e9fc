package relay.upstream;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
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
 * Fetches access tokens of a managed identity of Azure: from the metadata service of a virtual
 * machine ("How to use managed identities for Azure resources on an Azure VM to acquire an access
 * token", learn.microsoft.com), or from the endpoint of App Service and Container Apps ("How to use
 * managed identities for App Service and Azure Functions", "REST endpoint reference").
 */
final class AzureIdentityTokens implements TokenCache.Fetch {
  private static final String DEFAULT_SCOPE = "/.default";

  private final CompletableFuture<OkHttpClient> client;
  private final Request request;
  private final InstantSource clock;

  AzureIdentityTokens(
      CompletableFuture<OkHttpClient> client,
      Cloud.Azure azure,
      Credential.AzureIdentity identity,
      InstantSource clock) {
    this.client = client;
    this.clock = clock;
    String scope = azure.tokenScope();
    HttpUrl.Builder url =
        HttpUrl.get(identity.endpoint().toString())
            .newBuilder()
            .addQueryParameter("api-version", identity.apiVersion())
            .addQueryParameter(
                "resource",
                scope.endsWith(DEFAULT_SCOPE)
                    ? scope.substring(0, scope.length() - DEFAULT_SCOPE.length())
                    : scope);
    String clientId = identity.clientId();
    if (clientId != null) {
      url.addQueryParameter("client_id", clientId);
    }
    Secret header = identity.header();
    Request.Builder built = new Request.Builder().url(url.build());
    request =
        (header == null
                ? built.header("metadata", "true")
                : built.header("x-identity-header", header.reveal()))
            .build();
  }

  @Override
  public AccessToken fetch() throws IOException, TokenRefusedException {
    Instant asked = clock.instant();
    try (Response response = client.join().newCall(request).execute()) {
      JsonNode said = TokenAnswers.read(response);
      switch (response.code()) {
        case 200 -> {}
        case 400, 401, 403 ->
            throw new TokenRefusedException(TokenAnswers.refusal(response.code(), said));
        default -> throw new IOException("the token endpoint answered " + response.code());
      }
      long expires = said.path("expires_on").asLong(); // App Service states no expires_in
      long life = said.path("expires_in").asLong(expires - asked.getEpochSecond());
      return TokenAnswers.token(said, asked, life);
    }
  }
}
