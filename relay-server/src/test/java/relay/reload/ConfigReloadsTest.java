package relay.reload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigFile;
import relay.config.ConfigOutline;
import relay.config.Loaded;

/** Every way in which files change. The test looks; no timer runs. */
@SuppressWarnings("NullAway.Init") // each test starts what it needs
@Tag("slow")
class ConfigReloadsTest {
  private static final int MUTATIONS = Integer.getInteger("relay.reload.mutations", 1_000);
  private static final Map<String, String> ENVIRONMENT = Map.of("SECRET", "hunter2-secret");

  /** A thousand refusals are no reading. Held, for a logger that nobody holds forgets its level. */
  private static final Logger QUIET = Logger.getLogger("relay.reload");

  @TempDir private Path directory;
  private final ScheduledThreadPoolExecutor thread = new ScheduledThreadPoolExecutor(1);
  private final List<Config> taken = new ArrayList<>();
  private final List<ReloadOutcome> outcomes = new ArrayList<>();
  private Path file;
  private ConfigReloads reloads;
  private Config running;
  private long nowNanos;

  @BeforeEach
  void prepare() {
    QUIET.setLevel(Level.OFF);
    file = directory.resolve("relay.yaml");
  }

  @AfterEach
  void close() {
    QUIET.setLevel(null);
    thread.shutdownNow();
  }

  private static String yaml(int rpm) {
    return "providers: [{name: p, type: anthropic, keys: [{key: \"${SECRET}\", rpm_limit: %d}]}]\n"
        .formatted(rpm);
  }

  private void start(String yaml) throws IOException {
    Files.writeString(file, yaml);
    start();
  }

  private void start() {
    ConfigSource source = new ConfigSource(file, ENVIRONMENT);
    running = ((Loaded.Valid) source.read()).config();
    ConfigState first = new ConfigState(ConfigOutline.of(running).hash(), Instant.EPOCH, List.of());
    reloads =
        new ConfigReloads(
            source,
            first,
            new ConfigReloads.Target() {
              @Override
              public Config running() {
                return running;
              }

              @Override
              public void take(Config next, ConfigState state) {
                running = next;
                taken.add(next);
              }

              @Override
              public void attempted(ReloadOutcome outcome) {
                outcomes.add(outcome);
              }
            },
            thread,
            () -> Instant.EPOCH);
  }

  /** Looks, a moment after the last time. */
  private boolean look() {
    nowNanos += 300_000_000;
    return reloads.sawUnrest(nowNanos);
  }

  private long rpm() {
    return running.providers().getFirst().groups().getFirst().limits().rpm();
  }

  private void write(String yaml) throws IOException {
    Path other = directory.resolve(".relay.yaml.swp");
    Files.writeString(other, yaml);
    Files.move(other, file, StandardCopyOption.ATOMIC_MOVE);
  }

  @Test
  void nothing_is_read_again_while_nothing_changes() throws Exception {
    start(yaml(1));
    for (int n = 0; n < 5; n++) {
      assertFalse(look());
    }
    Files.setLastModifiedTime(file, java.nio.file.attribute.FileTime.fromMillis(0));
    assertFalse(look());
    assertEquals(List.of(), outcomes);
  }

  @Test
  void an_editor_writes_beside_and_renames() throws Exception {
    start(yaml(1));
    write(yaml(2));
    assertTrue(look());
    assertFalse(look());
    assertEquals(2, rpm());
    assertEquals(1, outcomes.size());
  }

  /** An alert on the attempt would end while the next start still fails. */
  @Test
  void a_refused_file_is_told_until_it_is_mended() throws Exception {
    start(yaml(1));
    write(yaml(2) + "typo: 1\n");
    assertTrue(look());
    assertFalse(look());
    assertFalse(look());
    assertEquals(1, rpm());
    assertEquals(1, reloads.state().refused().size());
    assertTrue(reloads.state().refused().getFirst().contains("typo"), reloads.state().toString());
    write(yaml(1)); // as it was
    assertTrue(look());
    assertFalse(look());
    assertEquals(List.of(), reloads.state().refused());
  }

  @Test
  void a_half_written_file_is_given_time() throws Exception {
    start(yaml(1));
    String whole = yaml(2);
    for (int end : List.of(0, 20, whole.length() / 2, whole.length())) {
      Files.writeString(file, whole.substring(0, end));
      assertTrue(look());
    }
    assertFalse(look());
    assertEquals(2, rpm());
    assertEquals(1, outcomes.size());
  }

  @Test
  void a_file_that_never_rests_is_read_all_the_same() throws Exception {
    start(yaml(1));
    int looks = 0;
    do {
      Files.writeString(file, yaml(10 + looks++));
    } while (look());
    assertTrue(looks > 3 && looks < 12, "after " + looks + " looks");
    assertEquals(10 + looks - 1, rpm());
  }

  @Test
  void a_file_vanishes_and_comes_back() throws Exception {
    start(yaml(1));
    ConfigState before = reloads.state();
    Files.delete(file);
    assertTrue(look());
    assertFalse(look());
    ReloadOutcome.Refused refused =
        assertInstanceOf(ReloadOutcome.Refused.class, outcomes.getFirst());
    assertTrue(refused.faults().getFirst().contains("does not exist"), refused.toString());
    assertEquals(before.refusing(reloads.state().refused()), reloads.state());
    assertFalse(look()); // told once, not each second
    assertEquals(1, outcomes.size());
    Files.writeString(file, yaml(1));
    assertTrue(look());
    assertFalse(look());
    assertEquals(
        List.of(), assertInstanceOf(ReloadOutcome.Applied.class, outcomes.getLast()).changes());
    assertEquals(List.of(), taken);
  }

  @Test
  void a_config_map_is_swapped_as_the_kubelet_does_it() throws Exception {
    Path mount = directory.resolve("mount");
    Path first = Files.createDirectories(mount.resolve("..2026_11_27_05_00_00.1"));
    Files.writeString(first.resolve("relay.yaml"), yaml(1));
    Files.createSymbolicLink(mount.resolve("..data"), first.getFileName());
    Files.createSymbolicLink(mount.resolve("relay.yaml"), Path.of("..data", "relay.yaml"));
    file = mount.resolve("relay.yaml");
    start();
    for (int n = 2; n < 5; n++) {
      Path next = Files.createDirectories(mount.resolve("..2026_11_27_05_00_0" + n + ".2"));
      Files.writeString(next.resolve("relay.yaml"), yaml(n));
      Path link = mount.resolve("..data_tmp");
      Files.createSymbolicLink(link, next.getFileName());
      Path before = mount.resolve(Files.readSymbolicLink(mount.resolve("..data")));
      Files.move(link, mount.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
      Files.delete(before.resolve("relay.yaml"));
      Files.delete(before);
      assertTrue(look());
      assertFalse(look());
      assertEquals(n, rpm());
    }
    assertEquals(3, outcomes.size());
  }

  @Test
  void secret_files_and_the_clients_file_are_watched_too() throws Exception {
    Path secret = directory.resolve("secret");
    Path clients = directory.resolve("clients.yaml");
    Files.writeString(secret, "first-secret\n");
    Files.writeString(clients, "clients: [{name: a, key: aaa}]\n");
    start(
        "server: {auth: {clients_file: clients.yaml}}\n"
            + "providers: [{name: p, type: anthropic, keys: [{id: k, key:"
            + " \"${file:secret}\"}]}]\n");
    Files.writeString(secret, "second-secret\n");
    assertTrue(look());
    assertFalse(look());
    assertEquals(List.of("providers[p].keys[k].key: changed"), changes());
    Files.writeString(clients, "clients: [{name: a, key: aaa}, {name: b, key: bbb}]\n");
    assertTrue(look());
    assertFalse(look());
    assertEquals(List.of("server.auth.clients[b]: added"), changes());
    Files.writeString(clients, "clients: [{name: a, key: aaa}, {name: a, key: bbb}]\n");
    assertTrue(look());
    assertFalse(look());
    ReloadOutcome.Refused refused =
        assertInstanceOf(ReloadOutcome.Refused.class, outcomes.getLast());
    assertTrue(refused.faults().getFirst().startsWith(clients + ":1:"), refused.toString());
    assertEquals(2, taken.size());
  }

  private List<String> changes() {
    return assertInstanceOf(ReloadOutcome.Applied.class, outcomes.getLast()).changes();
  }

  @Test
  void a_secret_file_that_was_missing_is_waited_for() throws Exception {
    start(yaml(1));
    write(yaml(2).replace("${SECRET}", "${file:late}"));
    look();
    look();
    assertInstanceOf(ReloadOutcome.Refused.class, outcomes.getLast());
    Files.writeString(directory.resolve("late"), "late-secret");
    assertTrue(look());
    assertFalse(look());
    assertEquals(2, rpm());
  }

  @Test
  void what_needs_a_restart_is_said_until_it_is_undone() throws Exception {
    start(yaml(1));
    write("server: {listen: 127.0.0.1:1}\nredis: {prefix: other}\n" + yaml(2));
    look();
    look();
    assertEquals(List.of("redis.prefix", "server.listen"), reloads.state().needRestart());
    assertEquals(2, rpm());
    assertEquals("relay", running.redis().prefix());
    write(yaml(2));
    look();
    look();
    assertEquals(List.of(), reloads.state().needRestart());
  }

  @Test
  void an_address_that_stays_is_never_opened_to_everyone() throws Exception {
    start("server: {listen: 0.0.0.0:8787, auth: {api_key: secret}}\n" + yaml(1));
    write("server: {listen: 127.0.0.1:8787}\n" + yaml(2));
    look();
    look();
    ReloadOutcome.Refused refused =
        assertInstanceOf(ReloadOutcome.Refused.class, outcomes.getLast());
    assertTrue(refused.faults().getFirst().contains("open to everyone"), refused.toString());
    assertEquals(1, rpm());
  }

  @Test
  void invalid_files_change_nothing_and_every_fault_is_told() throws Exception {
    String valid =
        """
        server:
          max_concurrent: 10
          auth:
            clients:
              - {name: team-a, key: "${SECRET}-a", rpm_limit: 10, models: ["claude-*"]}
              - {name: team-b, key: "${SECRET}-b"}
        providers:
          - name: one
            type: anthropic
            pooling: {strategy: weighted, window_ms: 60000, burst_ratio: 0.5}
            model_classes: [{name: opus, models: ["claude-opus-*"]}]
            keys:
              - {key: "${SECRET}", id: k-1, account: acme, rpm_limit: 50}
              - {key: "${SECRET}2", id: k-2, account: acme}
          - {name: two, type: openai, keys: [{key: three}]}
        routing: {strategy: failover, default_provider: one}
        logging: {level: info, format: json}
        """;
    start(valid);
    ConfigState before = reloads.state();
    Config config = running;
    int refused = 0;
    for (long seed = 0; refused < MUTATIONS; seed++) {
      String mutated = mutate(valid, new Random(seed));
      Files.writeString(file, mutated);
      if (!(ConfigFile.load(file, ENVIRONMENT) instanceof Loaded.Invalid(var faults))) {
        continue; // some mutations are harmless
      }
      refused++;
      ReloadOutcome outcome = reloads.reload().join();
      assertEquals(
          new ReloadOutcome.Refused(faults.stream().map(ConfigFault::toString).toList()),
          outcome,
          "seed " + seed);
      assertFalse(outcome.toString().contains("hunter2"), "a secret shows, seed " + seed);
    }
    assertEquals(before.refusing(reloads.state().refused()), reloads.state());
    assertEquals(config, running);
    assertEquals(List.of(), taken);
    assertEquals(MUTATIONS, outcomes.size());
    Files.writeString(file, valid.replace("rpm_limit: 50", "rpm_limit: 60"));
    assertEquals(
        List.of("providers[one].groups[acme/default].rpm_limit: 50 -> 60"),
        ((ReloadOutcome.Applied) reloads.reload().join())
            .changes().stream().filter(line -> line.contains("default")).toList());
  }

  private static String mutate(String yaml, Random random) {
    StringBuilder text = new StringBuilder(yaml);
    for (int edits = random.nextInt(1, 4); edits > 0; edits--) {
      int from = random.nextInt(text.length());
      int to = Math.min(text.length(), from + random.nextInt(1, 20));
      switch (random.nextInt(4)) {
        case 0 -> text.delete(from, to);
        case 1 -> text.insert(from, text.substring(from, to));
        case 2 -> text.setCharAt(from, "{}[]:,#&*!|-?x9".charAt(random.nextInt(15)));
        default -> text.setLength(Math.max(1, from)); // half written
      }
      if (text.length() < 2) {
        text.append(yaml);
      }
    }
    return text.toString();
  }
}
