package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

/**
 * A replica whose credentials are the machine's. The token endpoints answer as documented: "REST
 * endpoint reference" of "How to use managed identities for App Service and Azure Functions",
 * learn.microsoft.com; "Authenticate workloads using the metadata server", docs.cloud.google.com;
 * both read November 27, 2026.
 */
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
}
