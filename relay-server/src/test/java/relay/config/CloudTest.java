package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The settings specific to some provider types. */
final class CloudTest {
  private static ProviderConfig provider(String yaml) {
    return Given.valid("providers:\n  - {name: a, " + yaml + "}\n").providers().getFirst();
  }

  private static List<Credential> credentials(ProviderConfig provider) {
    return provider.keys().stream().map(KeyConfig::credential).toList();
  }

  @Test
  void azure_with_an_api_key_and_an_entra_application() {
    ProviderConfig azure =
        provider(
            "type: azure, base_url: 'https://my.openai.azure.com', api_version: 2025-01-01-preview,"
                + " login_url: 'https://login.test/', token_scope: 'https://scope/.default',"
                + " keys: [{key: one}, {key: two, tenant_id: contoso.com, client_id: 0b-1c}]");
    assertEquals(
        new Cloud.Azure(
            "2025-01-01-preview", URI.create("https://login.test"), "https://scope/.default"),
        azure.cloud());
    assertEquals(
        List.of(
            new Credential.ApiKey(new Secret("one")),
            new Credential.EntraApp("contoso.com", "0b-1c", new Secret("two"))),
        credentials(azure));
  }

  @Test
  void azure_with_a_workload_identity() {
    ProviderConfig azure =
        provider(
            "type: azure, base_url: 'https://my.openai.azure.com', keys: [{id: pod,"
                + " tenant_id: contoso.com, client_id: 0b-1c, token_file: /secrets/unix}]");
    assertEquals(
        List.of(new Credential.EntraWorkload("contoso.com", "0b-1c", Path.of("/secrets/unix"))),
        credentials(azure));
  }

  @Test
  void a_machine_has_an_identity_without_a_secret() {
    ProviderConfig azure =
        provider(
            "type: azure, base_url: 'https://my.openai.azure.com', keys: [{id: vm, identity:"
                + " machine}, {id: other, identity: machine, client_id: 0b-1c}]");
    URI metadata = URI.create("http://169.254.169.254/metadata/identity/oauth2/token");
    assertEquals(
        List.of(
            new Credential.AzureIdentity(metadata, "2018-02-01", null, null),
            new Credential.AzureIdentity(metadata, "2018-02-01", null, "0b-1c")),
        credentials(azure));
    assertEquals(
        List.of(new Credential.AwsMachine()),
        credentials(provider("type: bedrock, region: r, keys: [{id: vm, identity: machine}]")));
    assertEquals(
        List.of(new Credential.GoogleMachine()),
        credentials(
            provider("type: vertex, project: p, region: r, keys: [{id: vm, identity: machine}]")));
  }

  @Test
  void azure_needs_only_its_url() {
    ProviderConfig azure =
        provider("type: azure, base_url: 'https://my.openai.azure.com', keys: [{key: one}]");
    assertEquals(
        new Cloud.Azure(
            "2024-10-21",
            URI.create("https://login.microsoftonline.com"),
            "https://cognitiveservices.azure.com/.default"),
        azure.cloud());
  }

  @Test
  void bedrock_has_a_region_and_access_keys() {
    ProviderConfig bedrock =
        provider(
            "type: bedrock, region: eu-west-1, keys: [{key: one, access_key_id: AKIAEXAMPLE0000A},"
                + " {key: two, access_key_id: ASIAEXAMPLE0000A, session_token: t}]");
    assertEquals(new Cloud.Bedrock("eu-west-1"), bedrock.cloud());
    assertEquals(URI.create("https://bedrock-runtime.eu-west-1.amazonaws.com"), bedrock.baseUrl());
    assertEquals(
        List.of(
            new Credential.AwsKey("AKIAEXAMPLE0000A", new Secret("one"), null),
            new Credential.AwsKey("ASIAEXAMPLE0000A", new Secret("two"), new Secret("t"))),
        credentials(bedrock));
  }

  @Test
  void vertex_has_a_location_and_a_service_account() {
    String file = ServiceAccounts.file("https://oauth2.test/token");
    for (Map.Entry<String, String> host :
        Map.of(
                "us-east5", "https://us-east5-aiplatform.googleapis.com",
                "global", "https://aiplatform.googleapis.com",
                "eu", "https://aiplatform.eu.rep.googleapis.com")
            .entrySet()) {
      ProviderConfig vertex =
          Given.valid(
                  "providers: [{name: a, type: vertex, project: p-1, region: %s, keys: [{key: '${F}'}]}]"
                      .formatted(host.getKey()),
                  Map.of("F", file))
              .providers()
              .getFirst();
      assertEquals(new Cloud.Vertex("p-1", host.getKey()), vertex.cloud());
      assertEquals(URI.create(host.getValue()), vertex.baseUrl());
      assertEquals(List.of(new Credential.ServiceAccount(new Secret(file))), credentials(vertex));
    }
  }

  @Test
  void an_invalid_key_file_is_refused_and_not_shown() {
    String good = ServiceAccounts.file("https://oauth2.test/token");
    for (Map.Entry<String, String> wrong :
        Map.of(
                "hunter2",
                "is not JSON",
                "{\"type\":\"authorized_user\"}",
                "is not a service account key file",
                good.replace("client_email", "hunter2"),
                "has no client_email",
                good.replace("MII", "hunter2"),
                "has a private_key that is not an RSA key in PKCS #8",
                good.replace("client_id", "hunter2"),
                "has no client_id",
                good.replace("\"key-1\"", "null"),
                "has no private_key_id",
                good.replace("\"1\"", "1"),
                "has a client_id that is not text",
                good.replace("\"p-1\"", "[\"hunter2\"]"),
                "has a project_id that is not text",
                good.replace("https://oauth2.test/token", "oauth2.test/hunter2"),
                "has a token_uri that is not an http:// or https:// URL")
            .entrySet()) {
      Loaded loaded =
          Given.load(
              "providers: [{name: a, type: vertex, project: p-1, region: us, keys: [{key:"
                  + " '${F}'}]}]",
              Map.of("F", wrong.getKey()));
      List<String> faults = Given.lines(loaded);
      assertEquals(1, faults.size(), faults.toString());
      assertTrue(
          faults
              .getFirst()
              .startsWith("relay.yaml:1:76: providers[0].keys[0].key: " + wrong.getValue() + ";"),
          faults.getFirst());
      assertFalse(faults.getFirst().contains("hunter2"), faults.getFirst());
    }
  }

  @Test
  void ollama_needs_no_key() {
    ProviderConfig bare = provider("type: ollama");
    assertEquals(List.of(new Credential.None()), credentials(bare));
    assertEquals("local", bare.keys().getFirst().id());
    ProviderConfig two =
        provider("type: ollama, keys: [{id: a, max_concurrent: 2}, {key: x, id: b}]");
    assertEquals(
        List.of(new Credential.None(), new Credential.ApiKey(new Secret("x"))), credentials(two));
  }

  @Test
  void printed_configurations_show_no_secret() {
    String printed =
        Given.valid(
                "providers: [{name: a, type: bedrock, region: us-east-1, keys: [{key: '${SET}',"
                    + " access_key_id: AKIAEXAMPLE0000A, session_token: '${SET}'}]}]")
            .toString();
    assertFalse(printed.contains("hunter2"), printed);
  }
}
