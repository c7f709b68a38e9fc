package relay.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Properties;

/**
 * Which replica a dashboard shows: behind a balancer it is any.
 *
 * @param name of the pod or the machine
 */
record ReplicaIdentity(String name, String version, long startedMs) {
  static ReplicaIdentity startedAt(long nowMs) {
    return new ReplicaIdentity(host(), builtVersion(), nowMs);
  }

  void addTo(ObjectNode replica) {
    replica.put("name", name).put("version", version).put("started", startedMs);
  }

  /** Asks no name server: one that is away would delay the start. */
  private static String host() {
    String named = System.getenv("HOSTNAME");
    if (named != null && !named.isBlank()) {
      return named;
    }
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException e) {
      return "localhost"; // not Linux
    }
  }

  private static String builtVersion() {
    Properties built = new Properties();
    try (InputStream resource =
        Objects.requireNonNull(
            ReplicaIdentity.class.getResourceAsStream("/relay/cli/version.properties"))) {
      built.load(resource);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read version.properties of the jar", e);
    }
    return built.getProperty("version", "unknown");
  }
}
