import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import relay.trial.ProviderSimulator;

/**
 * The provider of `relay try` as a process of its own, with one key per pool and no limits. Prints
 * its port and two free ones for Relay, and ends when its standard input does.
 */
final class Provider {
  public static void main(String[] args) throws Exception {
    ProviderSimulator.Account account =
        new ProviderSimulator.Account("provider", List.of(args), 0, 0, 0, 0);
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ProviderSimulator simulator =
        ProviderSimulator.start(ProviderSimulator.Settings.of(Duration.ofMinutes(1), account))) {
      try (ServerSocket data = new ServerSocket(0, 1, loopback);
          ServerSocket admin = new ServerSocket(0, 1, loopback)) {
        System.out.println(
            simulator.port() + " " + data.getLocalPort() + " " + admin.getLocalPort());
      }
      System.in.transferTo(java.io.OutputStream.nullOutputStream());
    }
  }
}
