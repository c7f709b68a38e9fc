package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.model.Dialect;

/**
 * Headers of a client that carry a credential, or choose whose quota its request uses, do not reach
 * the provider beside the pool's key: the use would be another's than the one that Relay counts.
 */
@Tag("slow")
class WithheldHeadersTest {
  private static final List<String> WITHHELD =
      List.of(
          "OpenAI-Organization",
          "openai-project",
          "x-goog-user-project",
          "X-Goog-Api-Key",
          "x-amz-security-token",
          "x-amz-date",
          "Cookie",
          "ocp-apim-subscription-key");

  private static final List<String> OTHERS = List.of("x-team", "anthropic-beta", "x-amzn-trace-id");

  @ParameterizedTest
  @EnumSource
  void only_the_named_ones_pass(Dialect dialect) throws Exception {
    try (RawProvider provider = RawProvider.fine(dialect);
        Replicas replicas =
            new Setup()
                .provider("none", dialect, provider, Setup.key("a"))
                .provider(
                    "some",
                    dialect,
                    provider,
                    List.of("passthrough: true", "pass_headers: [OpenAI-Project, cookie]"),
                    List.of(Setup.key("b")))
                .start(1)) {
      RawProvider.Received plain = received(provider, replicas, Ask.of(dialect, "none"));
      for (String name : WITHHELD) {
        assertNull(plain.header(name), name);
      }
      Ask unread = Ask.of(dialect, "some").target("/v1/files");
      for (Ask ask : List.of(Ask.of(dialect, "some"), unread)) {
        RawProvider.Received named = received(provider, replicas, ask);
        for (String name : WITHHELD) {
          boolean passes = name.equals("openai-project") || name.equals("Cookie");
          assertEquals(passes ? "a=b" : null, named.header(name), name);
        }
      }
    }
  }

  private static RawProvider.Received received(RawProvider provider, Replicas replicas, Ask ask)
      throws Exception {
    WITHHELD.forEach(name -> ask.header(name + ": a=b"));
    OTHERS.forEach(name -> ask.header(name + ": a=b"));
    assertEquals(200, RawClient.ask(replicas.port(0), ask).status());
    RawProvider.Received received = provider.received().getLast();
    for (String name : OTHERS) {
      assertEquals("a=b", received.header(name), name);
    }
    return received;
  }
}
