package relay.endtoend;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.standin.StandIn;
import relay.standin.TlsFront;

/**
 * The provider stand-in in its own process, with TLS before it in another. Both end with this JVM.
 */
final class ProviderProcess implements AutoCloseable {
  private final Child standIn;
  private final @Nullable Child front;
  private final Path directory;

  private ProviderProcess(Child standIn, @Nullable Child front, Path directory) {
    this.standIn = standIn;
    this.front = front;
    this.directory = directory;
  }

  /** A process that has printed its port. */
  private record Child(Process process, int port) {
    static Child start(Class<?> main, String... arguments) throws IOException {
      List<String> command =
          new ArrayList<>(
              List.of(
                  Processes.tool("java"),
                  "-Xmx512m",
                  "-XX:+UseSerialGC",
                  "--enable-native-access=ALL-UNNAMED",
                  "--sun-misc-unsafe-memory-access=allow",
                  "-cp",
                  System.getProperty("java.class.path"),
                  main.getName()));
      command.addAll(List.of(arguments));
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      String port = process.inputReader().readLine();
      if (port == null) {
        throw new IOException(main.getSimpleName() + " did not start");
      }
      return new Child(process, Integer.parseInt(port));
    }

    void end() {
      process.destroyForcibly().onExit().join();
    }
  }

  /**
   * Starts it.
   *
   * @param directory for its certificate
   */
  static ProviderProcess start(ProviderLine wire, Path directory) throws IOException {
    Child standIn = Child.start(StandIn.class);
    if (!wire.isTls()) {
      return new ProviderProcess(standIn, null, directory);
    }
    try {
      Child front =
          Child.start(TlsFront.class, Integer.toString(standIn.port()), directory.toString());
      return new ProviderProcess(standIn, front, directory);
    } catch (IOException e) {
      standIn.end();
      throw e;
    }
  }

  /** The stand-in's own port, without TLS. */
  int port() {
    return standIn.port();
  }

  /** What a replica's configuration says of it. */
  List<String> settings() {
    return front == null
        ? List.of("base_url: http://127.0.0.1:" + standIn.port())
        : List.of(
            "base_url: https://127.0.0.1:" + front.port(),
            "tls: { ca: " + directory.resolve("provider.pem") + " }");
  }

  List<Long> pids() {
    return front == null
        ? List.of(standIn.process().pid())
        : List.of(standIn.process().pid(), front.process().pid());
  }

  @Override
  public void close() {
    if (front != null) {
      front.end();
    }
    standIn.end();
  }
}
