package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import okhttp3.HttpUrl;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import okio.GzipSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.config.Cloud;

/** Request paths and error formats of the provider types. */
class ProviderProtocolTest {
  private static final ProviderProtocol AZURE =
      new AzureProtocol(new Cloud.Azure("2024-10-21", URI.create("https://login"), "scope"));
  private static final ProviderProtocol BEDROCK = new BedrockProtocol();
  private static final ProviderProtocol VERTEX =
      new VertexProtocol(new Cloud.Vertex("proj", "us-east5"));

  @ParameterizedTest
  @CsvSource({
    "/v1/chat/completions, /openai/deployments/my-gpt/chat/completions?api-version=2024-10-21",
    "/v1/embeddings, /openai/deployments/my-gpt/embeddings?api-version=2024-10-21",
    "/v1/responses, /openai/responses?api-version=2024-10-21",
    "/v1/chat/completions?a=b&api-version=x,"
        + " /openai/deployments/my-gpt/chat/completions?api-version=2024-10-21&a=b"
  })
  void azure_paths_have_the_deployment_and_the_version(String target, String path) {
    assertEquals(path, AZURE.path(target, "my-gpt", false));
  }

  @Test
  void bedrock_has_separate_paths_for_streams_and_json() {
    String model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    assertEquals(
        "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke",
        BEDROCK.path("/v1/messages?beta=true", model, false));
    assertEquals(
        "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream",
        BEDROCK.path("/v1/messages", model, true));
    assertTrue(BEDROCK.serves("/v1/messages"));
    assertFalse(BEDROCK.serves("/v1/messages/count_tokens"));
  }

  @Test
  void vertex_paths_have_project_location_and_model() {
    String models = "/v1/projects/proj/locations/us-east5/publishers/anthropic/models/";
    assertEquals(
        models + "claude-sonnet-4-5@20250929:rawPredict",
        VERTEX.path("/v1/messages", "claude-sonnet-4-5@20250929", false));
    assertEquals(
        models + "claude-opus-4-6:streamRawPredict",
        VERTEX.path("/v1/messages?beta=true", "claude-opus-4-6", true));
    assertEquals(
        models + "count-tokens:rawPredict",
        VERTEX.path("/v1/messages/count_tokens", "claude-opus-4-6", false));
  }

  @Test
  void a_probe_uses_a_free_request() {
    assertEquals(
        new ProviderProtocol.Probe("GET", "/v1/models", ""), new PlainProtocol(true).probe());
    assertEquals(
        new ProviderProtocol.Probe("GET", "/openai/models?api-version=2024-10-21", ""),
        AZURE.probe());
    assertEquals(
        new ProviderProtocol.Probe("POST", "/model/relay.probe/invoke", "{}"), BEDROCK.probe());
    assertEquals("POST", VERTEX.probe().method());
    assertTrue(VERTEX.probe().path().endsWith("/models/relay-probe:rawPredict"));
  }

  @ParameterizedTest
  @CsvSource({"../../x", ".", "..", "%2e%2e", "a?b#c", "a\\b", "\u00fc \u20ac"})
  void no_model_name_escapes_its_path_segment(String model) {
    HttpUrl url =
        HttpUrl.get("https://host" + BEDROCK.path("/v1/messages", model, /* stream= */ false));
    assertEquals(3, url.pathSize(), url.toString());
    assertEquals("model", url.pathSegments().getFirst());
    assertEquals("invoke", url.pathSegments().getLast());
    assertEquals(0, url.querySize());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          429|{"message":"Too many tokens"}|rate_limit_error|Too many tokens
          400|{"Message":"bad"}|invalid_request_error|bad
          404|{"error":{"code":404,"message":"no model","status":"NOT_FOUND"}}|not_found_error|no model
          503|[{"error":{"code":503,"message":"later"}}]|overloaded_error|later
          500|<html>|api_error|the provider answered 500
          408|{}|timeout_error|the provider answered 408
          """)
  void a_clouds_own_errors_get_the_dialects_format(
      int status, String body, String type, String message) throws IOException {
    assertEquals(
        "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"%s\"}}"
            .formatted(type, message),
        new String(CloudErrors.inDialect(status, body.getBytes(UTF_8)), UTF_8));
  }

  @Test
  void an_error_in_the_dialects_format_passes_unchanged() throws IOException {
    byte[] body =
        "{\"type\":\"error\", \"error\":{\"type\":\"x\",\"message\":\"y\"}}".getBytes(UTF_8);
    assertEquals(new String(body, UTF_8), new String(CloudErrors.inDialect(429, body), UTF_8));
  }

  /** Relay requests an uncompressed answer, but a proxy may compress it anyway. */
  @Test
  void a_converted_error_has_no_content_encoding() throws IOException {
    Buffer packed = new Buffer();
    try (GzipSink gzip = new GzipSink(packed)) {
      gzip.write(new Buffer().writeUtf8("{\"message\":\"Too many tokens\"}"), 29);
    }
    ResponseBody body = ResponseBody.create(packed.readByteString(), null);
    try (Response answer =
        VERTEX.inDialect(refusal(body).header("content-encoding", "gzip").build())) {
      assertNull(answer.header("content-encoding"));
      assertTrue(answer.body().string().contains("\"rate_limit_error\""));
    }
  }

  @Test
  void a_truncated_error_keeps_its_status() throws IOException {
    ResponseBody body = ResponseBody.create(BrokenSource.after("{\"mess"), null, 20);
    try (Response answer = BEDROCK.inDialect(refusal(body).build())) {
      assertEquals(429, answer.code());
      assertTrue(answer.body().string().contains("the provider answered 429"));
    }
  }

  private static Response.Builder refusal(ResponseBody body) {
    return new Response.Builder()
        .request(new Request.Builder().url("http://relay.test/").build())
        .protocol(Protocol.HTTP_1_1)
        .code(429)
        .message("")
        .body(body);
  }
}
