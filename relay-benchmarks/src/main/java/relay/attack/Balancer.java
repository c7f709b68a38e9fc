package relay.attack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import relay.trial.process.ReplicaProcess;

/** HAProxy with the configuration of {@code deploy/haproxy}, for replicas on loopback. */
final class Balancer implements AutoCloseable {
  private final Process process;

  /**
   * Starts it.
   *
   * @param shipped the configuration of deploy/
   */
  Balancer(Path shipped, Path directory, Path log, int port, List<ReplicaProcess> replicas)
      throws IOException {
    Path file = directory.resolve("haproxy.cfg");
    Files.writeString(file, configuration(Files.readString(shipped), port, replicas));
    process =
        new ProcessBuilder("haproxy", "-db", "-f", file.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
  }

  /** The same with these servers, and without Docker's names. */
  private static String configuration(String shipped, int port, List<ReplicaProcess> replicas) {
    String servers =
        replicas.stream()
            .map(
                r ->
                    "  server r%1$d 127.0.0.1:%1$d check port %2$d\n"
                        .formatted(r.port(), r.adminPort()))
            .collect(Collectors.joining());
    String kept =
        shipped
            .lines()
            .takeWhile(line -> !line.startsWith("resolvers "))
            .filter(line -> !line.startsWith("  server "))
            .map(line -> line.replaceAll(" (resolvers|init-addr) \\S+", ""))
            .map(line -> line.replace("bind :8787", "bind 127.0.0.1:" + port))
            .collect(Collectors.joining("\n"));
    return kept.strip() + "\n" + servers;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
