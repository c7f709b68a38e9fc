package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/** Each kind of change of providers, keys and pools, alone, with its effect. */
@Tag("slow")
class ReloadTest extends ReloadingReplica {

  ReloadTest() throws Exception {}

  @Test
  void a_provider_is_added_and_removed() throws Exception {
    take(setup());
    assertEquals(404, ask("second").status());
    JsonNode added =
        take(setup().provider("second", Dialect.ANTHROPIC, elsewhere.url(), Setup.key("s")));
    assertTrue(lines(added.get("changes")).contains("providers[second]: added"), added.toString());
    Answer answer = ask("second");
    assertEquals(200, answer.status(), answer.text());
    assertEquals("second", answer.header("x-relay-provider"));
    take(setup());
    assertEquals(404, ask("second").status());
  }

  @Test
  void a_base_url_changes() throws Exception {
    take(setup());
    assertEquals(Setup.secret("a"), keyAt(provider));
    take(with(elsewhere, Setup.key("a")));
    assertEquals(Setup.secret("a"), keyAt(elsewhere));
  }

  @Test
  void a_model_is_mapped_otherwise() throws Exception {
    take(
        new Setup()
            .provider(
                MODEL,
                Dialect.ANTHROPIC,
                provider.url(),
                List.of("model_mapping: { anthropic: vendor-9 }"),
                List.of(Setup.key("a"))));
    keyAt(provider);
    assertTrue(provider.received().getLast().isFor("vendor-9"));
  }

  @Test
  void a_key_is_added_and_removed() throws Exception {
    take(setup());
    assertEquals(Set.of(Setup.secret("a")), keysOf(4));
    take(with(provider, Setup.key("a"), Setup.key("b")));
    assertEquals(Set.of(Setup.secret("a"), Setup.secret("b")), keysOf(4));
    JsonNode removed = take(with(provider, Setup.key("b")));
    assertTrue(
        lines(removed.get("changes")).contains("providers[anthropic].keys[a]: removed"),
        removed.toString());
    assertEquals(Set.of(Setup.secret("b")), keysOf(4));
  }

  @Test
  void a_key_of_the_same_id_gets_another_secret_and_leaves_its_quarantine() throws Exception {
    take(setup());
    provider.script(
        (request, connection) ->
            connection.write(
                request.key().equals(Setup.secret("a"))
                    ? Says.json(401, "{}")
                    : Says.fine(Dialect.ANTHROPIC)));
    try {
      assertEquals(503, ask(MODEL).status());
      replicas.awaitLine(MODEL, "a", "status quarantined .*");
      JsonNode changed = take(with(provider, OTHER_KEY));
      assertEquals(
          List.of("providers[anthropic].keys[a].key: changed"), lines(changed.get("changes")));
      assertFalse(replicas.get(0).log().contains("another-secret"), "the log shows a secret");
      assertEquals("another-secret", keyAt(provider));
      replicas.awaitLine(MODEL, "a", "status active .*");
    } finally {
      provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    }
  }

  @Test
  void an_operators_quarantine_outlasts_another_secret() throws Exception {
    take(setup());
    Ask ask = Ask.of(Dialect.ANTHROPIC, "").host("127.0.0.1").body("");
    int admin = replicas.get(0).adminPort();
    RawClient.ask(admin, ask.target("/pools/anthropic/keys/a/quarantine"));
    try {
      take(with(provider, OTHER_KEY));
      assertEquals(503, ask(MODEL).status());
    } finally {
      RawClient.ask(admin, ask.target("/pools/anthropic/keys/a/restore"));
    }
    assertEquals("another-secret", keyAt(provider));
  }

  @Test
  void a_limit_is_lowered_and_raised_and_what_was_used_stays() throws Exception {
    take(with(provider, Setup.key("limited", "rpm_limit: 1000")));
    for (int n = 0; n < 6; n++) {
      keyAt(provider);
    }
    take(with(provider, Setup.key("limited", "rpm_limit: 5")));
    assertEquals(429, ask(MODEL).status());
    replicas.awaitLine(MODEL, "limited/default", "rpm 6/5 .*");
    take(with(provider, Setup.key("limited", "rpm_limit: 1000")));
    assertEquals(200, ask(MODEL).status());
    replicas.awaitLine(MODEL, "limited/default", "rpm 7/1000 .*");
  }

  @Test
  void a_key_moves_to_another_account() throws Exception {
    take(with(provider, Setup.key("mover")));
    keyAt(provider);
    take(with(provider, Setup.key("mover", "account: acme")));
    keyAt(provider);
    replicas.awaitLine(MODEL, "mover", "status active .* account acme");
    replicas.awaitLine(MODEL, "acme/default", "rpm 1/- .*");
  }

  @Test
  void model_classes_change() throws Exception {
    String key = Setup.key("classed", "limits: { big: { rpm_limit: 1 } }");
    take(
        new Setup()
            .provider(
                MODEL,
                Dialect.ANTHROPIC,
                provider.url(),
                List.of("model_classes: [ { name: big, models: [\"anth*\"] } ]"),
                List.of(key)));
    keyAt(provider);
    assertEquals(429, ask(MODEL).status());
    take(with(provider, Setup.key("classed")));
    keyAt(provider);
  }

  @Test
  void a_pool_is_in_shadow_mode() throws Exception {
    String key = Setup.key("shadow", "rpm_limit: 1");
    take(pooling("pooling: { affinity: none }", key));
    keyAt(provider);
    assertEquals(429, ask(MODEL).status());
    double before = replicas.metric(0, "relay_would_deny_total{scope=\"pool\"}");
    take(pooling("pooling: { affinity: none, enforce: false }", key));
    for (int n = 0; n < 3; n++) {
      keyAt(provider);
    }
    assertEquals(before + 3, replicas.metric(0, "relay_would_deny_total{scope=\"pool\"}"));
    Await.until(
        "it is logged", () -> replicas.get(0).log().contains("pool anthropic is in shadow mode"));
    take(pooling("pooling: { affinity: none }", key));
    assertEquals(429, ask(MODEL).status());
  }
}
