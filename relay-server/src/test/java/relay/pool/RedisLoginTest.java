package relay.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.config.Config;
import relay.config.RedisConfig;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.guards.RedisCluster;
import relay.guards.RedisNode;
import relay.guards.SentinelSet;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Usage;

/** TLS, and users with the least rights: with the very lines that the README gives. */
@Tag("slow")
class RedisLoginTest {
  @TempDir Path directory;

  private RedisEngine engine(String redis) {
    Config config = Configs.of("redis: { timeout_ms: 2000, " + redis + " }\n" + Configs.POOLS);
    RedisConfig section = config.redis();
    return RedisEngine.start(
        Plans.options(section, Plans.servers(section, Objects.requireNonNull(section.url())), "r"));
  }

  /** Uses everything that a replica uses, and looks at the count. */
  private static void use(RedisEngine engine) {
    KeyPool pool = engine.pool(Plans.of(Configs.of(Configs.POOLS).providers().getFirst()));
    Granted granted =
        assertInstanceOf(Granted.class, pool.acquire(Demand.of("opus", 10, 10)).join());
    pool.quarantine(List.of("solo"), "test");
    pool.operator().restore("solo").join();
    engine.breaker("anthropic").look().join();
    granted.lease().settle(10, 10);
    Await.until(
        "it is settled",
        () -> pool.snapshot().join().groups().stream().noneMatch(RedisLoginTest::runs));
    assertEquals(
        1,
        pool.snapshot().join().groups().stream()
            .map(PoolSnapshot.GroupState::used)
            .mapToLong(Usage::requests)
            .sum());
  }

  private static boolean runs(PoolSnapshot.GroupState group) {
    return group.inFlight() > 0;
  }

  /** The lines of docs/redis-cli.md for a Redis, a Cluster's node and a sentinel. */
  private static String[] setUser(int line, String password) throws IOException {
    List<String> lines =
        Files.readAllLines(Path.of("..", "docs", "redis-cli.md")).stream()
            .filter(one -> one.startsWith("ACL SETUSER relay "))
            .toList();
    assertEquals(3, lines.size());
    return lines.get(line).replace("PASSWORD", password).split(" ", -1);
  }

  private static void ok(RedisNode node, String... words) {
    assertEquals(List.of("OK"), node.call(words), Arrays.toString(words));
  }

  private Path passwordFile(String password) throws IOException {
    return Files.writeString(directory.resolve("password"), password + "\n");
  }

  private String login() {
    return "username: relay, password_file: " + directory.resolve("password");
  }

  @Test
  void the_user_of_one_server_suffices_and_may_do_no_more() throws Exception {
    passwordFile("first");
    try (RedisNode redis = RedisNode.start()) {
      ok(redis, setUser(0, "first"));
      ok(redis, "ACL", "SETUSER", "default", "off");
      try (RedisEngine engine = engine("url: 'redis://" + redis.address() + "', " + login())) {
        use(engine);
        String as = "relay first";
        assertTrue(redis.callAs(as, "FLUSHALL").getFirst().startsWith("-NOPERM"));
        assertTrue(redis.callAs(as, "KEYS", "*").getFirst().startsWith("-NOPERM"));
        assertTrue(redis.callAs(as, "GET", "other").getFirst().startsWith("-NOPERM"));
      }
    }
  }

  @Test
  void a_changed_password_is_used_on_the_live_connection_and_for_new_ones() throws Exception {
    passwordFile("first");
    try (RedisNode redis = RedisNode.start()) {
      ok(redis, setUser(0, "first"));
      try (RedisEngine engine = engine("url: 'redis://" + redis.address() + "', " + login())) {
        use(engine);
        ok(redis, "ACL", "SETUSER", "relay", ">second");
        String logins = calls(redis, "auth");
        passwordFile("second");
        Await.until("it authenticates again", () -> !calls(redis, "auth").equals(logins));
        assertEquals("", calls(redis, "auth,failed"));
        redis.call("ACL", "SETUSER", "relay", "<first");
        redis.call("CLIENT", "KILL", "USER", "relay");
        Await.until(
            "it connects with the new password",
            () -> redis.call("CLIENT", "LIST").getFirst().contains("user=relay") && engine.isUp());
      }
    }
  }

  /** The number of calls of a command, as INFO has it; empty for none. */
  private static String calls(RedisNode redis, String command) {
    String name = "cmdstat_" + command.replace(",failed", "") + ":";
    return redis
        .call("INFO", "commandstats")
        .getFirst()
        .lines()
        .filter(line -> line.startsWith(name))
        .map(
            line ->
                command.endsWith(",failed")
                    ? line.replaceAll(".*failed_calls=0.*", "")
                    : line.replaceAll(".*:calls=([0-9]+),.*", "$1"))
        .findFirst()
        .orElse("");
  }

  @Test
  void a_private_ca_and_a_client_certificate_open_a_tls_connection() throws Exception {
    HeldCertificate ca = new HeldCertificate.Builder().certificateAuthority(0).build();
    HeldCertificate server =
        new HeldCertificate.Builder().signedBy(ca).addSubjectAlternativeName("127.0.0.1").build();
    HeldCertificate client = new HeldCertificate.Builder().signedBy(ca).build();
    Path authority = write("ca.pem", ca.certificatePem());
    int port = LoopbackPorts.free();
    try (var _ =
        RedisNode.start(
            "tls-port " + port,
            "tls-auth-clients yes",
            "tls-ca-cert-file " + authority,
            "tls-cert-file " + write("server.pem", server.certificatePem()),
            "tls-key-file " + write("server.key", server.privateKeyPkcs8Pem()))) {
      String url = "url: 'rediss://127.0.0.1:" + port + "'";
      try (RedisEngine stranger = engine(url)) {
        assertFalse(stranger.isUp(), "its certificate authority is not Java's");
      }
      try (RedisEngine anonymous = engine(url + ", tls: { ca: " + authority + " }")) {
        assertFalse(anonymous.isUp(), "Redis asks for a certificate");
      }
      String own =
          ", certificate: "
              + write("client.pem", client.certificatePem())
              + ", private_key: "
              + write("client.key", client.privateKeyPkcs8Pem());
      try (RedisEngine engine = engine(url + ", tls: { ca: " + authority + own + " }")) {
        use(engine);
      }
    }
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }

  @Test
  void the_users_of_sentinels_and_of_a_cluster_suffice() throws Exception {
    passwordFile("secret");
    try (SentinelSet set = new SentinelSet()) {
      ok(set.master(), setUser(0, "secret"));
      ok(set.master(), "ACL", "SETUSER", "default", "-fcall", "-function");
      for (RedisNode sentinel : set.sentinels()) {
        ok(sentinel, setUser(2, "secret"));
      }
      try (RedisEngine engine = engine("url: '" + set.url() + "', " + login())) {
        use(engine);
        assertTrue(
            set.sentinels().getFirst().call("CLIENT", "LIST").getFirst().contains("user=relay"));
      }
    }
    try (RedisCluster cluster = new RedisCluster()) {
      for (RedisNode node : cluster.nodes()) {
        ok(node, setUser(1, "secret"));
        ok(node, "ACL", "SETUSER", "default", "-fcall", "-function");
      }
      try (RedisEngine engine =
          engine("url: 'redis://" + cluster.seeds() + "', cluster: true, " + login())) {
        use(engine);
      }
    }
  }
}
