package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
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

  private final List<String> asked = new CopyOnWriteArrayList<>();
  private volatile int status = 200;
  private HttpServer endpoint;

  @BeforeEach
  void start() throws IOException {
    endpoint = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    endpoint.createContext(
        "/metadata/identity/oauth2/token",
        exchange -> {
          asked.add(
              exchange.getRequestHeaders().getFirst("Metadata")
                  + " "
                  + exchange.getRequestURI().getRawQuery());
          byte[] said =
              "{\"access_token\":\"t1\",\"expires_in\":\"3599\",\"error\":\"invalid_request\"}"
                  .getBytes(UTF_8);
          exchange.sendResponseHeaders(status, said.length);
          exchange.getResponseBody().write(said);
          exchange.close();
        });
    endpoint.start();
  }

  @AfterEach
  void stop() {
    endpoint.stop(0);
  }

  private AzureIdentityTokens tokens(@Nullable String clientId) {
    URI url =
        URI.create(
            "http://127.0.0.1:%d/metadata/identity/oauth2/token"
                .formatted(endpoint.getAddress().getPort()));
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
    assertEquals(List.of(query, query + "&client_id=0b-1c"), asked);
  }

  @Test
  void a_refusal_is_for_good_and_a_busy_service_is_not() {
    status = 400;
    assertThrows(TokenRefusedException.class, () -> tokens(null).fetch());
    status = 429;
    assertThrows(IOException.class, () -> tokens(null).fetch());
  }
}
