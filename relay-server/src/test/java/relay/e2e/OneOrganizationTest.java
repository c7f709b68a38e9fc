package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Keys that the config gives accounts of their own, and that belong to one organisation: "Limits
 * are set at the organization level" ("Rate limits", platform.claude.com, as of October 17, 2026).
 * Answers name it in {@code anthropic-organization-id} and {@code openai-organization}, or a part
 * of it in {@code openai-project} alone.
 */
@Tag("slow")
class OneOrganizationTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @EnumSource
  void accounts_of_one_organization_are_reported(Dialect dialect) throws Exception {
    try (RawProvider provider = provider(dialect, "openai-organization: ");
        Replicas replicas = replicas(dialect, provider, "accounts: config")) {
      for (int n = 0; n < 3; n++) {
        int replica = n;
        Await.until(
            "replica " + n + " has an answer to each key, and warns",
            () -> {
              ask(replicas, replica, dialect);
              return pool(replicas, replica)
                  .path("warnings")
                  .toString()
                  .equals("[{\"code\":\"one_organization\",\"accounts\":[\"a\",\"b\"]}]");
            });
        assertEquals(1, replicas.metric(n, "relay_accounts_counted_apart{pool=\"p\"}"));
        String log = replicas.get(n).log();
        assertTrue(log.contains("accounts of p are one organisation"), log);
        assertTrue(log.contains(": a, b;"), log);
      }
      assertEquals(Set.of("a/default", "b/default", "c/default"), groups(replicas, 0));
    }
  }

  @ParameterizedTest
  @EnumSource
  void learned_accounts_count_as_one(Dialect dialect) throws Exception {
    try (RawProvider provider = provider(dialect, "openai-project: ");
        Replicas replicas = replicas(dialect, provider, "accounts: learned")) {
      for (int n = 0; n < 3; n++) {
        int replica = n;
        Await.until(
            "replica " + n + " counts a and b together",
            () -> {
              ask(replicas, replica, dialect);
              return groups(replicas, replica).equals(Set.of("a/default", "c/default"));
            });
        assertEquals("[]", pool(replicas, n).path("warnings").toString());
        assertEquals(0, replicas.metric(n, "relay_accounts_counted_apart{pool=\"p\"}"));
      }
      JsonNode keys = pool(replicas, 0).path("keys");
      assertEquals("b", keys.get(1).path("id").asText());
      assertEquals("a", keys.get(1).path("account").asText());
      ask(replicas, 0, dialect);
    }
  }

  private static RawProvider provider(Dialect dialect, String ofOpenai) throws IOException {
    String header =
        switch (dialect) {
          case ANTHROPIC -> "anthropic-organization-id: ";
          case OPENAI -> ofOpenai;
        };
    return new RawProvider(
        (request, connection) -> {
          String organization = request.key().equals(Setup.secret("c")) ? "org-2" : "org-1";
          connection.write(Says.json(200, Says.answer(dialect), header + organization));
        });
  }

  private static Replicas replicas(Dialect dialect, RawProvider provider, String accounts)
      throws Exception {
    String limit = "rpm_limit: 1000";
    return new Setup()
        .provider(
            "p",
            dialect,
            provider.url(),
            List.of(accounts),
            List.of(Setup.key("a", limit), Setup.key("b", limit), Setup.key("c", limit)))
        .start(3);
  }

  /** The key that answered. */
  private static String ask(Replicas replicas, int replica, Dialect dialect) throws Exception {
    Answer answer = RawClient.ask(replicas.port(replica), Ask.of(dialect, "p"));
    assertEquals(200, answer.status(), answer.toString());
    return String.valueOf(answer.header("x-relay-key"));
  }

  private static JsonNode pool(Replicas replicas, int replica) throws IOException {
    return JSON.readTree(replicas.admin(replica, "/pools/p").text());
  }

  private static Set<String> groups(Replicas replicas, int replica) throws IOException {
    Set<String> ids = new TreeSet<>();
    pool(replicas, replica).path("groups").forEach(group -> ids.add(group.path("id").asText()));
    return ids;
  }
}
