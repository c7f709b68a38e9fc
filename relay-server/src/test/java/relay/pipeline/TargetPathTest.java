package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

class TargetPathTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/files",
        "/v1/files/a.b..c/...?x=../..&y=\\",
        "/v1/files/r%C3%A9sum%c3%a9%20(1)",
        "/v1/files/.well-known",
        "/v1/fine_tuning/jobs/ft:gpt-4o@acme",
        "/v1/messages/batches",
        "/v1/responses/resp_1/cancel",
        "/v1/threads/thread_1/messages"
      })
  void a_canonical_path_passes(String target) {
    assertNull(TargetPath.fault(target, Dialect.OPENAI));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/..",
        "/v1/../x",
        "/v1/.",
        "/v1/./x",
        "/v1/%2e%2E/x",
        "/v1/.%2e?a",
        "/v1/..%2Fx",
        "/v1/a%5c%2e%2e%5cx",
        "/v1/..;a=1/x",
        "/v1/a\\b",
        "/v1/a#b",
        "/v1/files?a#b",
        "/v1/",
        "/v1/files/",
        "/v1//files",
        "/v1/files;a=b",
        "/v1/%66iles",
        "/v1/a%2Fb",
        "/v1/a%252Fb",
        "/v1/a%3bb",
        "/v1/a%00",
        "/v1/a%0a",
        "/v1/a%7F",
        "/v1/a%",
        "/v1/a%2",
        "/v1/a%g1",
        "/v1/a%+1",
        "/v1/a[b]",
        "/v1/a|b",
        "/v1/%6dessages",
        "/v1/messages/",
        "/v1/messages;a=b"
      })
  void another_path_is_refused(String target) {
    for (Dialect dialect : Dialect.values()) {
      String fault = TargetPath.fault(target, dialect);
      assertNotNull(fault);
      assertTrue(fault.contains("canonical"), fault);
    }
  }

  @Test
  void a_path_that_a_provider_may_read_as_a_counted_endpoint_is_refused() {
    for (String target : List.of("/v1/Messages", "/v1/MESSAGES?a", "/v1/x/messages")) {
      assertNotNull(TargetPath.fault(target, Dialect.ANTHROPIC), target);
    }
    for (String target :
        List.of(
            "/v1/Messages",
            "/v1/Chat/Completions",
            "/v1/RESPONSES",
            "/v1/deployments/other/chat/completions?api-version=1",
            "/v1/deployments/other/Embeddings",
            "/v1/engines/other/embeddings")) {
      String fault = TargetPath.fault(target, Dialect.OPENAI);
      assertNotNull(fault, target);
      assertTrue(fault.contains("are counted"), fault);
    }
  }

  @Test
  void a_path_that_generates_uncounted_is_refused_for_every_type() {
    for (Dialect dialect : Dialect.values()) {
      for (String target :
          List.of(
              "/v1/completions",
              "/v1/Completions?a",
              "/v1/complete",
              "/v1/responses/compact",
              "/v1/engines/other/completions",
              "/v1/deployments/other/completions",
              "/v1/deployments/other/chat/completions",
              "/v1/deployments/other/embeddings",
              "/v1/deployments/other/responses")) {
        String fault = TargetPath.fault(target, dialect);
        assertNotNull(fault, target);
        assertTrue(fault.contains("counted"), fault);
      }
      for (String target : List.of("/v1/chat/completions/chatcmpl_1", "/v1/responses/resp_1")) {
        assertNull(TargetPath.fault(target, dialect), target);
      }
    }
  }
}
