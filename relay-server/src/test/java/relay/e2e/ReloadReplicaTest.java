package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/** Each kind of change of clients and of the replica itself, and each way to ask for one. */
@Tag("slow")
class ReloadReplicaTest extends ReloadingReplica {

  ReloadReplicaTest() throws Exception {}

  @Test
  void a_client_is_added_limited_and_removed() throws Exception {
    take(setup());
    String key = Setup.clientKey("team");
    assertEquals(401, askAs(key).status());
    take(setup().client("team"));
    assertEquals(200, askAs(key).status());
    take(setup().client("team", "rpm_limit: 2"));
    assertEquals(200, askAs(key).status());
    assertEquals(200, askAs(key).status());
    assertEquals(429, askAs(key).status());
    double before = replicas.metric(0, "relay_would_deny_total{scope=\"client\"}");
    take(setup().client("team", "rpm_limit: 2", "enforce: false"));
    assertEquals(200, askAs(key).status());
    assertEquals(before + 1, replicas.metric(0, "relay_would_deny_total{scope=\"client\"}"));
    take(setup().client("team", "rpm_limit: 1000"));
    assertEquals(200, askAs(key).status());
    take(setup().client("team", "models: [\"other-*\"]"));
    assertEquals(404, askAs(key).status());
    take(setup());
    assertEquals(401, askAs(key).status());
  }

  @Test
  void a_clients_credential_is_rotated_with_overlap() throws Exception {
    take(setup().client("team"));
    String old = Setup.clientKey("team");
    assertEquals(200, askAs(old).status());
    assertEquals(401, askAs("team-next").status());
    take(setup().client("team", "keys: [ team-next ]"));
    assertEquals(200, askAs(old).status());
    assertEquals(200, askAs("team-next").status());
    take(setup().clientYaml("{ name: team, key: team-next }"));
    assertEquals(401, askAs(old).status());
    assertEquals(200, askAs("team-next").status());
  }

  @Test
  void a_stream_under_what_is_removed_ends_as_it_began() throws Exception {
    CountDownLatch changed = new CountDownLatch(1);
    RawProvider streams =
        new RawProvider(
            (request, connection) -> {
              List<String> events = Says.events(Dialect.ANTHROPIC);
              connection.write(Says.STREAM);
              connection.chunk(events.getFirst());
              assertTrue(changed.await(20, TimeUnit.SECONDS));
              for (String event : events.subList(1, events.size())) {
                connection.chunk(event);
              }
              connection.chunk("");
            });
    try (streams) {
      Setup before =
          setup()
              .client("team")
              .provider("streams", Dialect.ANTHROPIC, streams.url(), Setup.key("s", "account: z"));
      take(before);
      try (RawClient client = new RawClient(replicas.port(0))) {
        client.send(Ask.stream(Dialect.ANTHROPIC, "streams").from("team")).head();
        assertEquals(200, client.status());
        List<String> events = Says.events(Dialect.ANTHROPIC);
        assertEquals(events.getFirst(), client.readTo("\n\n"));
        take(setup()); // client, provider and key are gone
        replicas.awaitLine("streams", "z/default", "rpm 1/- .* inflight 1 .*");
        changed.countDown();
        Answer rest = client.rest();
        assertTrue(rest.whole(), rest.toString());
        assertEquals(String.join("", events.subList(1, events.size())), rest.text());
      }
      replicas.awaitLine(
          "streams",
          "z/default",
          "rpm 1/- itpm %d/- otpm %d/- .*inflight 0 .*".formatted(Says.INPUT, Says.OUTPUT));
    }
  }

  @Test
  void routing_changes() throws Exception {
    List<String> any = List.of("models: [ shared ]");
    Setup first =
        new Setup()
            .provider("one", Dialect.ANTHROPIC, provider.url(), any, List.of(Setup.key("1")))
            .provider("two", Dialect.ANTHROPIC, elsewhere.url(), any, List.of(Setup.key("2")));
    take(first);
    assertEquals("one", ask("shared").header("x-relay-provider"));
    take(first.routing("default_provider: two"));
    assertEquals("two", ask("shared").header("x-relay-provider"));
  }

  @Test
  void bounds_of_the_replica_change() throws Exception {
    take(setup());
    assertEquals(200, ask(MODEL).status());
    take(setup().server("max_body_bytes: 10"));
    assertEquals(413, ask(MODEL).status());
  }

  @Test
  void the_log_changes() throws Exception {
    take(setup().logLevel("error"));
    int quiet = replicas.get(0).log().length();
    take(setup().client("unheard").logLevel("error"));
    assertEquals("", replicas.get(0).log().substring(quiet));
    take(setup().logLevel("info"));
    Await.until(
        "it speaks again", () -> replicas.get(0).log().substring(quiet).contains("logging.level"));
  }

  @Test
  void the_admin_token_changes() throws Exception {
    take(setup().server("admin_token: operators-word"));
    assertEquals(401, replicas.admin(0, "/pools").status());
    replicas.write(0, setup());
    Ask ask =
        Ask.of(Dialect.ANTHROPIC, "")
            .target("/reload")
            .host("127.0.0.1")
            .body("")
            .credential("authorization: Bearer operators-word");
    assertEquals(200, RawClient.ask(replicas.get(0).adminPort(), ask).status());
    assertEquals(200, replicas.admin(0, "/pools").status());
  }

  @Test
  void what_needs_a_restart_is_said_and_the_rest_holds() throws Exception {
    take(setup());
    String yaml =
        setup()
            .client("newcomer")
            .yaml(1, replicas.get(0).adminPort(), "redis://elsewhere.test:6379");
    replicas.write(0, yaml);
    Answer answer = replicas.reload(0);
    assertEquals(200, answer.status(), answer.text());
    assertEquals(List.of("redis.url", "server.listen"), lines(answer.json().get("need_restart")));
    assertEquals(
        List.of("server.auth.clients[newcomer]: added"), lines(answer.json().get("changes")));
    assertEquals(200, askAs(Setup.clientKey("newcomer")).status());
    JsonNode pools = replicas.admin(0, "/pools").json();
    assertEquals(
        List.of("redis.url", "server.listen"), lines(pools.path("config").path("need_restart")));
    assertEquals(2, replicas.metric(0, "relay_config_need_restart"));
    take(setup());
    assertEquals(0, replicas.metric(0, "relay_config_need_restart"));
  }

  @Test
  void an_invalid_config_changes_nothing_and_every_fault_is_told() throws Exception {
    JsonNode before = take(setup());
    double failures = replicas.metric(0, "relay_config_reloads_total{result=\"failure\"}");
    replicas.write(0, "providers: [{name: x, type: y}]\nbogus: 1\n");
    Answer answer = replicas.reload(0);
    assertEquals(400, answer.status());
    List<String> faults = lines(answer.json().get("faults"));
    assertEquals(3, faults.size(), faults.toString());
    Await.until("all are logged", () -> faults.stream().allMatch(replicas.get(0).log()::contains));
    assertEquals(
        failures + 1, replicas.metric(0, "relay_config_reloads_total{result=\"failure\"}"));
    assertEquals(Setup.secret("a"), keyAt(provider));
    String hash = before.get("hash").asText();
    assertEquals(hash, replicas.admin(0, "/pools").json().path("config").path("hash").asText());
    assertEquals(1, replicas.metric(0, "relay_config_info{hash=\"" + hash + "\"}"));
  }

  @Test
  void a_config_map_is_swapped() throws Exception {
    take(setup());
    Path config = replicas.config(0);
    try {
      for (int n = 0; n < 3; n++) {
        String client = "mapped-" + n;
        Path version = Files.createDirectory(config.resolveSibling("..2026_11_27." + n));
        Files.writeString(
            version.resolve(config.getFileName()),
            setup()
                .client(client)
                .yaml(replicas.port(0), replicas.get(0).adminPort(), replicas.redis().url()));
        Path link = Files.createSymbolicLink(config.resolveSibling("..tmp"), version.getFileName());
        Files.move(link, config.resolveSibling("..data"), StandardCopyOption.ATOMIC_MOVE);
        if (n == 0) {
          Path file =
              Files.createSymbolicLink(
                  config.resolveSibling("link"), Path.of("..data").resolve(config.getFileName()));
          Files.move(file, config, StandardCopyOption.ATOMIC_MOVE);
        }
        Await.until(client, () -> askAs(Setup.clientKey(client)).status() == 200);
      }
    } finally {
      Files.delete(config);
      replicas.write(0, setup());
    }
  }

  @Test
  void a_hang_up_signal_reloads_and_a_changed_file_does_so_by_itself() throws Exception {
    take(setup());
    double taken = replicas.metric(0, "relay_config_reloads_total{result=\"success\"}");
    replicas.get(0).hangUp();
    Await.until(
        "it is read",
        () -> replicas.metric(0, "relay_config_reloads_total{result=\"success\"}") == taken + 1);
    replicas.write(0, setup().client("late"));
    long written = System.nanoTime();
    Await.until("it holds", () -> askAs(Setup.clientKey("late")).status() == 200);
    long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - written);
    assertTrue(took < 5_000, "it took " + took + " ms");
  }
}
