package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

/**
 * Provider types that differ only in their address, and the classes that a replica without clouds
 * loads.
 */
@Tag("slow")
class CloudlessTest {
  @Test
  void each_type_is_called_correctly_and_no_cloud_library_is_loaded() throws Exception {
    try (RawProvider local = RawProvider.fine(Dialect.OPENAI);
        Replicas own =
            new Setup()
                .jvm("-Xlog:class+load")
                .provider(
                    """
                    - name: ollama
                      type: ollama
                      base_url: %s
                    - name: zai
                      type: zai
                      base_url: %1$s/api/anthropic
                      models: [glm]
                      keys: [{ key: zai-secret, id: z-1 }]
                    - name: minimax
                      type: minimax
                      base_url: %1$s/anthropic
                      models: [mini]
                      keys: [{ key: minimax-secret, id: m-1 }]
                    """
                        .formatted(local.url()))
                .start(1)) {
      Answer answer = RawClient.ask(own.port(0), Ask.of(Dialect.OPENAI, "llama"));
      assertEquals(200, answer.status(), answer.toString());
      assertEquals("local", answer.header("x-relay-key"));
      assertNull(local.received().getFirst().header("authorization"));
      for (String model : List.of("glm", "mini")) {
        local.script((_, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
        assertEquals(200, RawClient.ask(own.port(0), Ask.of(Dialect.ANTHROPIC, model)).status());
      }
      assertEquals(
          "POST /api/anthropic/v1/messages HTTP/1.1", local.received("glm").getFirst().line());
      assertEquals("zai-secret", local.received("glm").getFirst().key());
      assertEquals(
          "POST /anthropic/v1/messages HTTP/1.1", local.received("mini").getFirst().line());
      assertEquals("minimax-secret", local.received("mini").getFirst().key());
      String log = own.get(0).log();
      assertTrue(log.contains("relay.upstream.UpstreamCall"), "classes are logged");
      assertFalse(log.contains("software.amazon.awssdk"), "AWS's classes were loaded");
      assertFalse(log.contains("com.google.auth"), "Google's classes were loaded");
    }
  }
}
