package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * A replica whose credentials are the machine's. The token endpoints answer as documented: "REST
 * endpoint reference" of "How to use managed identities for App Service and Azure Functions",
 * learn.microsoft.com; "Authenticate workloads using the metadata server", docs.cloud.google.com;
 * both read November 27, 2026.
 */
@Tag("slow")
class MachineIdentityTest {
  private static final String AZURE_TOKEN = "azure-token-secret";
  private static final String GOOGLE_TOKEN = "google-token-secret";

  private static void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws IOException {
    String path = request.line().split(" ", -1)[1];
    String fault = "";
    String body = Says.answer(path.startsWith("/openai") ? Dialect.OPENAI : Dialect.ANTHROPIC);
    if (path.startsWith("/msi/token")) {
      boolean isAsDocumented =
          path.contains("api-version=2019-08-01")
              && path.contains("resource=https%3A%2F%2Fcognitiveservices.azure.com")
              && path.contains("client_id=0b-1c")
              && "header-secret".equals(request.header("x-identity-header"));
      fault = isAsDocumented ? "" : "wrong request";
      body =
          "{\"access_token\":\"%s\",\"expires_on\":\"%d\",\"token_type\":\"Bearer\"}"
              .formatted(AZURE_TOKEN, Instant.now().getEpochSecond() + 3600);
    } else if (path.startsWith("/computeMetadata/v1/instance/service-accounts/default/token")) {
      fault = "Google".equals(request.header("metadata-flavor")) ? "" : "no flavor";
      body =
          "{\"access_token\":\"%s\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"
              .formatted(GOOGLE_TOKEN);
    } else {
      String token = path.startsWith("/openai") ? AZURE_TOKEN : GOOGLE_TOKEN;
      fault = ("Bearer " + token).equals(request.header("authorization")) ? "" : "wrong token";
    }
    connection.write(
        fault.isEmpty()
            ? Says.json(200, body, "Metadata-Flavor: Google")
            : Says.json(400, "{\"error\":\"" + fault + "\"}"));
  }

  @Test
  void tokens_come_from_the_machine_and_are_fetched_once() throws Exception {
    try (RawProvider cloud = new RawProvider(MachineIdentityTest::answer);
        Replicas replicas =
            new Setup()
                .environment("IDENTITY_ENDPOINT=" + cloud.url() + "/msi/token")
                .environment("IDENTITY_HEADER=header-secret")
                .environment("GCE_METADATA_HOST=127.0.0.1:" + cloud.port())
                .provider(
                    """
                    - name: azure
                      type: azure
                      base_url: %s
                      models: [gpt]
                      keys: [{ id: a, identity: machine, client_id: 0b-1c }]
                    - name: vertex
                      type: vertex
                      base_url: %1$s
                      project: p-1
                      region: us-east5
                      models: [claude]
                      keys: [{ id: v, identity: machine }]
                    """
                        .formatted(cloud.url()))
                .start(1)) {
      for (int n = 0; n < 3; n++) {
        for (Ask ask :
            List.of(Ask.of(Dialect.OPENAI, "gpt"), Ask.of(Dialect.ANTHROPIC, "claude"))) {
          Answer answer = RawClient.ask(replicas.port(0), ask);
          assertEquals(200, answer.status(), answer.toString());
        }
      }
      assertEquals(2, cloud.received().stream().filter(r -> r.line().contains("/token")).count());
      String log = replicas.get(0).log();
      for (String secret : List.of(AZURE_TOKEN, GOOGLE_TOKEN, "header-secret")) {
        assertFalse(log.contains(secret), secret);
      }
      assertTrue(cloud.received().size() >= 8);
    }
  }

  private static final String SHA_1_OF_START = "c2e09b4fac288e7a35fb1a0f7b55446a509137e5";

  private static final String BEDROCK =
      """
      - name: bedrock
        type: bedrock
        base_url: %s
        region: us-east-1
        models: [claude]
        keys: [{ id: b, identity: machine }]
      """;

  /** "EKS Pod Identity": the endpoint and the token's file are in the environment. */
  @Test
  void keys_of_aws_are_renewed_before_they_end(@TempDir Path directory) throws Exception {
    Path token = Files.writeString(directory.resolve("token"), "pod-token");
    AtomicInteger keys = new AtomicInteger();
    try (RawProvider cloud =
            new RawProvider((request, connection) -> aws(request, connection, keys));
        Replicas replicas =
            new Setup()
                .environment(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI=" + cloud.url() + "/v1/credentials")
                .environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + token)
                .environment("AWS_EC2_METADATA_DISABLED=true")
                .provider(BEDROCK.formatted(cloud.url()))
                .start(1)) {
      Set<String> used = new TreeSet<>();
      Await.until(
          "a second key",
          () -> {
            isServed(replicas);
            used.add(String.valueOf(cloud.received().getLast().header("x-amz-security-token")));
            return used.size() > 1;
          });
      assertFalse(replicas.get(0).log().contains("secret-of-aws"));
    }
  }

  private static void isServed(Replicas replicas) throws IOException {
    Answer answer = RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "claude"));
    assertEquals(200, answer.status(), answer.toString());
  }

  /** What `aws sso login` has left, and "GetRoleCredentials" of the portal's API reference. */
  @Test
  void keys_of_aws_come_from_a_profile_of_sso(@TempDir Path home) throws Exception {
    String start = "https://sso.test/start";
    Files.writeString(
        Files.createDirectories(home.resolve(".aws/sso/cache")).resolve(SHA_1_OF_START + ".json"),
        "{\"accessToken\":\"sso-token\",\"expiresAt\":\"%s\",\"startUrl\":\"%s\"}"
            .formatted(Instant.now().plusSeconds(3600), start));
    Files.writeString(
        home.resolve(".aws/config"),
        """
        [profile relay]
        sso_start_url = %s
        sso_region = us-east-1
        sso_account_id = 123456789012
        sso_role_name = relay
        """
            .formatted(start));
    AtomicInteger keys = new AtomicInteger();
    try (RawProvider cloud =
            new RawProvider((request, connection) -> aws(request, connection, keys));
        Replicas replicas =
            new Setup()
                .environment("HOME=" + home)
                .environment("AWS_PROFILE=relay")
                .environment("AWS_ENDPOINT_URL_SSO=" + cloud.url())
                .environment("AWS_EC2_METADATA_DISABLED=true")
                .provider(BEDROCK.formatted(cloud.url()))
                .start(1)) {
      isServed(replicas);
      isServed(replicas);
      assertEquals(1, keys.get());
    }
  }

  private static void aws(
      RawProvider.Received request, RawProvider.Connection connection, AtomicInteger keys)
      throws IOException {
    if (request.line().startsWith("GET /v1/credentials ")) {
      boolean proven = "pod-token".equals(request.header("authorization"));
      connection.write(
          Says.json(
              proven ? 200 : 401,
              "{\"AccessKeyId\":\"ASIA%d\",\"SecretAccessKey\":\"secret-of-aws\",\"Token\":\"session-%1$d\",\"Expiration\":\"%s\"}"
                  .formatted(keys.incrementAndGet(), Instant.now().plusSeconds(4))));
      return;
    }
    if (request.line().startsWith("GET /federation/credentials?")) {
      boolean proven = "sso-token".equals(request.header("x-amz-sso_bearer_token"));
      connection.write(
          Says.json(
              proven ? 200 : 401,
              ("{\"roleCredentials\":{\"accessKeyId\":\"ASIA%d\",\"secretAccessKey\":\"secret-of-aws\","
                   + "\"sessionToken\":\"session-%1$d\",\"expiration\":%d}}")
                  .formatted(keys.incrementAndGet(), Instant.now().toEpochMilli() + 3_600_000)));
      return;
    }
    String session = String.valueOf(request.header("x-amz-security-token"));
    String credential = "Credential=ASIA" + session.substring(session.indexOf('-') + 1) + "/";
    boolean signed = String.valueOf(request.header("authorization")).contains(credential);
    connection.write(
        signed
            ? Says.fine(Dialect.ANTHROPIC)
            : Says.json(403, "{\"message\":\"" + session + "\"}"));
  }
}
