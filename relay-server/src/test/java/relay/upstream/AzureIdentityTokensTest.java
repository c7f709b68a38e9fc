package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.config.Cloud;
import relay.config.Credential;
import relay.token.AccessToken;
import relay.token.TokenRefusedException;

/**
 * The metadata service of a virtual machine: "How to use managed identities for Azure resources on
 * an Azure VM to acquire an access token", learn.microsoft.com, read November 27, 2026. Its numbers
 * are texts.
 */
final class AzureIdentityTokensTest {
  private static final Instant NOW = Instant.parse("2026-11-27T12:00:00Z");

  @AutoClose
  private final TokenEndpoint endpoint =
      new TokenEndpoint(
          "/metadata/identity/oauth2/token",
          "{\"access_token\":\"t%d\",\"expires_in\":\"3599\",\"error\":\"invalid_request\"}",
          exchange ->
              exchange.getRequestHeaders().getFirst("Metadata")
                  + " "
                  + exchange.getRequestURI().getRawQuery());

  AzureIdentityTokensTest() throws IOException {}

  private AzureIdentityTokens tokens(@Nullable String clientId) {
    URI url = endpoint.url().resolve("/metadata/identity/oauth2/token");
    return new AzureIdentityTokens(
        CompletableFuture.completedFuture(new OkHttpClient()),
        new Cloud.Azure(
            "2024-10-21",
            URI.create("https://login.microsoftonline.com"),
            "https://cognitiveservices.azure.com/.default"),
        new Credential.AzureIdentity(url, "2018-02-01", null, clientId),
        InstantSource.fixed(NOW));
  }

  @Test
  void the_metadata_service_gives_a_token_of_the_machines_or_another_identity() throws Exception {
    AccessToken token = tokens(null).fetch();
    assertEquals("t1", token.value().reveal());
    assertEquals(NOW.plusSeconds(3599), token.expiresAt());
    tokens("0b-1c").fetch();
    String query = "true api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com";
    assertEquals(List.of(query, query + "&client_id=0b-1c"), endpoint.asked());
  }

  @Test
  void a_refusal_is_for_good_and_a_busy_service_is_not() {
    endpoint.status(400);
    assertThrows(TokenRefusedException.class, () -> tokens(null).fetch());
    endpoint.status(429);
    assertThrows(IOException.class, () -> tokens(null).fetch());
  }
}
