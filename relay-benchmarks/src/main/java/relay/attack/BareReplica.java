package relay.attack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The configuration of a replica with one provider, whose keys have no limit that a load meets. */
final class BareReplica {
  private static final int KEYS = 4;

  private BareReplica() {}

  /** Writes it. */
  static Path config(Path file, int port, int adminPort, String redisUrl, AttackProvider provider)
      throws IOException {
    String keys =
        IntStream.rangeClosed(1, KEYS)
            .mapToObj(k -> "      - { key: secret-%d, rpm_limit: 1000000 }\n".formatted(k))
            .collect(Collectors.joining());
    return Files.writeString(
        file,
        """
        server:
          listen: 127.0.0.1:%d
          admin_listen: 127.0.0.1:%d
          auth: { api_key: %s }
        redis: { url: "%s" }
        logging: { level: warn, format: text }
        providers:
          - name: anthropic
            type: anthropic
            base_url: http://127.0.0.1:%d
            keys:
        """
                .formatted(port, adminPort, Normal.KEY, redisUrl, provider.port())
            + keys);
  }
}
