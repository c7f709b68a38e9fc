package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.config.Cloud;
import relay.config.Credential;
import relay.token.AccessToken;
import relay.token.TokenRefusedException;

/**
 * Workload identity, as in "Microsoft identity platform and the OAuth 2.0 client credentials flow"
 * (learn.microsoft.com), "Third case: Access token request with a federated credential".
 */
final class EntraWorkloadTest {
  private static final Instant NOW = Instant.parse("2026-11-27T12:00:00Z");

  @TempDir Path directory;

  @AutoClose
  private final TokenEndpoint endpoint =
      new TokenEndpoint(
          "/contoso.com/oauth2/v2.0/token",
          "{\"access_token\":\"t%d\",\"expires_in\":3600,\"error\":\"invalid_client\"}",
          exchange -> new String(exchange.getRequestBody().readAllBytes(), UTF_8));

  EntraWorkloadTest() throws IOException {}

  private EntraTokens tokens(Path file) {
    return EntraTokens.of(
        CompletableFuture.completedFuture(new OkHttpClient()),
        new Cloud.Azure(
            "2024-10-21", endpoint.url(), "https://cognitiveservices.azure.com/.default"),
        new Credential.EntraWorkload("contoso.com", "0b-1c", file),
        InstantSource.fixed(NOW));
  }

  @Test
  void each_fetch_shows_the_present_token_of_the_platform() throws Exception {
    Path file = Files.writeString(directory.resolve("token"), "platform-1\n");
    EntraTokens tokens = tokens(file);
    AccessToken first = tokens.fetch();
    Files.writeString(file, "platform-2"); // the platform has renewed it
    tokens.fetch();
    assertEquals("t1", first.value().reveal());
    assertEquals(NOW.plusSeconds(3600), first.expiresAt());
    List<String> shown = new ArrayList<>();
    for (String form : endpoint.asked()) {
      Map<String, String> fields = fields(form);
      shown.add(String.valueOf(fields.remove("client_assertion")));
      assertEquals(
          Map.of(
              "grant_type", "client_credentials",
              "client_id", "0b-1c",
              "scope", "https://cognitiveservices.azure.com/.default",
              "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
          fields);
    }
    assertEquals(List.of("platform-1", "platform-2"), shown);
  }

  @Test
  void a_refusal_is_for_good_and_a_missing_file_is_not() throws Exception {
    Path file = Files.writeString(directory.resolve("token"), "platform-1");
    EntraTokens tokens = tokens(file);
    endpoint.status(401);
    assertThrows(TokenRefusedException.class, tokens::fetch);
    Files.delete(file);
    assertThrows(IOException.class, tokens::fetch);
    assertEquals(1, endpoint.asked().size(), "nothing is sent without the platform's token");
  }

  private static Map<String, String> fields(String form) {
    Map<String, String> fields = new TreeMap<>();
    for (String field : form.split("&", -1)) {
      String[] parts = field.split("=", 2);
      fields.put(parts[0], URLDecoder.decode(parts[1], UTF_8));
    }
    return fields;
  }
}
