package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.config.Loaded;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.reload.ConfigSource;
import relay.reload.ReloadOutcome;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * Reloads leave nothing behind, although each names providers, keys, accounts and clients that no
 * other does: no memory, thread, connection, file or series. {@code -Drelay.reload.count=5000}
 * makes a long run of it.
 */
@Tag("slow")
class ManyReloadsTest {
  private static final int COUNT = Integer.getInteger("relay.reload.count", 200);
  private static final int FIRST = 50;
  private static final long MORE_BYTES =
      8_000_000; // other tests' leftovers in this process vary by 5 MB
  private static final Logger QUIET = Logger.getLogger("relay");

  /** What a replica holds. */
  private record Held(long heapBytes, int threads, long files, long series) {}

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @Test
  void a_replica_holds_after_many_reloads_what_it_held_after_few(@TempDir Path directory)
      throws Exception {
    QUIET.setLevel(Level.SEVERE);
    int[] ports = LoopbackPorts.free(2);
    Path file = directory.resolve("relay.yaml");
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        ProviderSimulator provider =
            ProviderSimulator.start(
                Settings.of(
                    Duration.ofSeconds(60),
                    new Account("all", List.of("secret-0", "secret-1", "secret-2"), 0, 0, 0, 0)))) {
      Files.writeString(file, yaml(0, ports, redis, provider));
      ConfigSource source = new ConfigSource(file, Map.of());
      Replica replica = new Replica(((Loaded.Valid) source.read()).config(), source, Map.of());
      try {
        Held few = null;
        for (int n = 1; n <= COUNT; n++) {
          Files.writeString(file, yaml(n, ports, redis, provider));
          assertInstanceOf(ReloadOutcome.Applied.class, replica.reload().join());
          ask(ports[0], "model", "client-" + n);
          ask(ports[0], "passing-" + n, "client-" + n);
          if (n == FIRST) {
            few = held(ports[1], Long.MAX_VALUE);
          }
        }
        Held many = held(ports[1], few == null ? 0 : few.heapBytes() + MORE_BYTES);
        String about = "after %d reloads: %s; after %d: %s".formatted(FIRST, few, COUNT, many);
        System.out.println(about);
        assertTrue(few != null && many.threads() <= few.threads() + 2, about);
        assertTrue(many.files() <= few.files() + 8, about);
        assertTrue(many.series() <= few.series() + 20, about);
        assertTrue(many.heapBytes() <= few.heapBytes() + MORE_BYTES, about);
      } finally {
        replica.stop();
      }
    } finally {
      QUIET.setLevel(null);
    }
  }

  private static String yaml(int n, int[] ports, EmbeddedRedis redis, ProviderSimulator provider) {
    return """
    server:
      listen: 127.0.0.1:%d
      admin_listen: 127.0.0.1:%d
      auth: { clients: [ { name: client-%d, key: client-%d, rpm_limit: %d } ] }
    redis: { url: "%s", timeout_ms: 2000 }
    providers:
      - name: lasting
        type: anthropic
        base_url: %s
        models: [model]
        keys:
          - { id: lasting, key: secret-0, rpm_limit: %d }
          - { id: passing-%d, key: secret-1, account: passing-%d }
      - name: passing-%d
        type: anthropic
        base_url: %s
        models: [passing-%d]
        keys: [ { id: p-%d, key: secret-2 } ]
    """
        .formatted(
            ports[0],
            ports[1],
            n,
            n,
            1_000_000 + n,
            redis.url(),
            provider.url(),
            1_000_000 + n,
            n,
            n,
            n,
            provider.url(),
            n,
            n);
  }

  private void ask(int port, String model, String key) throws IOException, InterruptedException {
    String body =
        "{\"model\":\"%s\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"
            .formatted(model);
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/messages"))
            .header("x-api-key", key)
            .header("content-type", "application/json")
            .header("anthropic-version", "2023-06-01")
            .POST(BodyPublishers.ofString(body))
            .build();
    var answer = client.send(request, BodyHandlers.ofString());
    assertEquals(200, answer.statusCode(), answer.body());
  }

  /**
   * When what ended has been cleared away.
   *
   * @param expectedBytes of heap; for more of it other tests of this JVM have some seconds to end
   */
  private Held held(int adminPort, long expectedBytes) throws Exception {
    long[] least = {Long.MAX_VALUE};
    long settled = System.nanoTime() + 3_000_000_000L; // pools that retire take their time
    Await.until(
        "it is settled",
        () -> {
          System.gc();
          Runtime runtime = Runtime.getRuntime();
          least[0] = Math.min(least[0], runtime.totalMemory() - runtime.freeMemory());
          long since = System.nanoTime() - settled;
          return since > 0 && (least[0] <= expectedBytes || since > 9_000_000_000L);
        });
    var system = (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    HttpRequest metrics =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + adminPort + "/metrics")).build();
    String text = client.send(metrics, BodyHandlers.ofString()).body();
    return new Held(
        least[0],
        ManagementFactory.getThreadMXBean().getThreadCount(),
        system.getOpenFileDescriptorCount(),
        text.lines().filter(line -> line.startsWith("relay_")).count());
  }
}
