package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.config.ConfigFile;
import relay.config.Loaded;
import relay.embedded.LoopbackPorts;
import relay.operate.ConnectCheck.Finding;

/** What {@code relay check --connect} finds. */
final class ConnectCheckTest {
  @TempDir private Path directory;
  private HttpServer provider;

  @BeforeEach
  void startProvider() throws IOException {
    provider = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
    provider.createContext(
        "/v1/models",
        exchange -> {
          String key = String.valueOf(exchange.getRequestHeaders().getFirst("authorization"));
          exchange.sendResponseHeaders(
              key.endsWith("good") ? 200 : key.endsWith("bad") ? 401 : 503, -1);
          exchange.close();
        });
    provider.start();
  }

  @AfterEach
  void stopProvider() {
    provider.stop(0);
  }

  private List<Finding> found(String redis, int port) throws IOException {
    String yaml =
        """
        redis: { %s }
        providers:
          - name: p
            type: openai
            base_url: http://127.0.0.1:%d/v1
            keys: [{ key: good, id: a }, { key: bad, id: b }, { key: odd, id: c }]
        """
            .formatted(redis, port);
    Path file = Files.writeString(directory.resolve("relay.yaml"), yaml);
    Loaded loaded = ConfigFile.load(file, Map.of());
    return ConnectCheck.of(
        assertInstanceOf(Loaded.Valid.class, loaded, loaded.toString()).config());
  }

  @Test
  void each_key_is_tried() throws IOException {
    assertEquals(
        List.of(
            new Finding(true, "Redis: the embedded one, which starts with Relay"),
            new Finding(true, "provider p, key a: accepted"),
            new Finding(
                false,
                "provider p, key b: refused with 401; is it right, still valid, and of 127.0.0.1?"),
            new Finding(false, "provider p, key c: the provider fails with 503")),
        found("", provider.getAddress().getPort()));
  }

  @Test
  void what_does_not_listen_is_a_fault() throws IOException {
    int nobody = LoopbackPorts.free();
    List<Finding> found = found("url: redis://127.0.0.1:" + nobody, nobody);
    assertTrue(found.stream().noneMatch(Finding::isGood), found.toString());
    assertTrue(found.getFirst().text().startsWith("Redis at 127.0.0.1:" + nobody), found + "");
    assertEquals(
        "provider p, key a: it refuses connections", found.get(1).text(), found.toString());
  }
}
