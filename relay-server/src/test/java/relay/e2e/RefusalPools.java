package relay.e2e;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/** The pools of {@link RefusalTableTest}: one for each row, all of one provider, in two models. */
final class RefusalPools {
  static final Dialect DIALECT = Dialect.ANTHROPIC;

  /** The pools, each with as many accounts. */
  private static final Map<String, Integer> POOLS =
      Map.ofEntries(
          Map.entry("r403", 6),
          Map.entry("r402", 6),
          Map.entry("r400", 6),
          Map.entry("r429q", 6),
          Map.entry("r429s", 6),
          Map.entry("dead", 3),
          Map.entry("two", 2),
          Map.entry("mine", 1),
          Map.entry("gone", 1),
          Map.entry("poor", 1),
          Map.entry("again", 2),
          Map.entry("model", 6),
          Map.entry("right", 2),
          Map.entry("long", 1),
          Map.entry("word", 1),
          Map.entry("both", 1),
          Map.entry("many", 1));

  private RefusalPools() {}

  /** For three clients, over replicas that probe soon. */
  static Setup behind(RawProvider provider) {
    Setup setup = new Setup().jvm("-Drelay.timings=probe=1000");
    for (String client : List.of("x", "y", "by")) {
      setup.client(client);
    }
    POOLS.forEach(
        (pool, accounts) -> {
          List<String> keys = new ArrayList<>();
          for (int n = 1; n <= accounts; n++) {
            keys.add(Setup.key(pool + "-" + n));
          }
          setup.provider(
              pool,
              DIALECT,
              provider.url(),
              List.of("models: [%s-a, %s-b]".formatted(pool, pool)),
              keys);
        });
    return setup;
  }

  static int accountsOf(String pool) {
    return Objects.requireNonNull(POOLS.get(pool));
  }

  /** By the key: a probe names no model. */
  static String poolOf(Received request) {
    String id = request.key().substring(Setup.secret("").length());
    return id.substring(0, id.lastIndexOf('-'));
  }

  static boolean isProbe(Received request) {
    return request.line().startsWith("GET");
  }
}
