package relay.endtoend;

import java.io.IOException;
import java.util.List;
import relay.standin.StandIn;

/** The provider stand-in in its own process. It ends with this JVM. */
final class ProviderProcess implements AutoCloseable {
  private final Process process;
  private final int port;

  private ProviderProcess(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  static ProviderProcess start() throws IOException {
    Process process =
        new ProcessBuilder(
                List.of(
                    Processes.tool("java"),
                    "-Xmx512m",
                    "-XX:+UseSerialGC",
                    "-cp",
                    System.getProperty("java.class.path"),
                    StandIn.class.getName()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String port = process.inputReader().readLine();
    if (port == null) {
      throw new IOException("the stand-in did not start");
    }
    return new ProviderProcess(process, Integer.parseInt(port));
  }

  int port() {
    return port;
  }

  long pid() {
    return process.pid();
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
