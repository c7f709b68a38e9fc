package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import relay.model.Dialect;

/** A replica whose config a test changes while it runs. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ReloadingReplica {
  static final String MODEL = "anthropic";
  static final String OTHER_KEY = "{ key: another-secret, id: a }";

  final RawProvider provider = fine();
  final RawProvider elsewhere = fine();
  final Replicas replicas = setup().start(1);

  ReloadingReplica() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
    elsewhere.close();
  }

  static RawProvider fine() throws Exception {
    return RawProvider.fine(Dialect.ANTHROPIC);
  }

  Setup setup() {
    return with(provider, Setup.key("a"));
  }

  static Setup with(RawProvider where, String... keys) {
    return new Setup().provider(MODEL, Dialect.ANTHROPIC, where.url(), keys);
  }

  Setup pooling(String pooling, String... keys) {
    return new Setup()
        .provider(MODEL, Dialect.ANTHROPIC, provider.url(), List.of(pooling), List.of(keys));
  }

  JsonNode take(Setup next) throws Exception {
    Answer answer = replicas.reload(0, next);
    assertEquals(200, answer.status(), answer.text());
    return answer.json();
  }

  static List<String> lines(JsonNode array) {
    List<String> lines = new ArrayList<>();
    array.forEach(line -> lines.add(line.asText()));
    return lines;
  }

  Answer ask(String model) throws Exception {
    return RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, model));
  }

  /** The provider's key and where it was used, of one request. */
  String keyAt(RawProvider where) throws Exception {
    int before = where.received().size();
    Answer answer = ask(MODEL);
    assertEquals(200, answer.status(), answer.text());
    assertEquals(before + 1, where.received().size());
    return where.received().getLast().key();
  }

  /** The keys that some requests use. */
  Set<String> keysOf(int requests) throws Exception {
    Set<String> used = new HashSet<>();
    for (int n = 0; n < requests; n++) {
      used.add(keyAt(provider));
    }
    return used;
  }

  Answer askAs(String credential) throws Exception {
    return RawClient.ask(
        replicas.port(0), Ask.of(Dialect.ANTHROPIC, MODEL).credential("x-api-key: " + credential));
  }
}
