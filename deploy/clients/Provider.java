import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * The provider of `relay try` as a process of its own, three times: one that only Relay asks, with
 * the given keys and no limits; and two that the clients ask directly, with their own keys and the
 * limits that Relay's pools have. Prints their ports and two free ones for Relay, and ends when its
 * standard input does.
 */
final class Provider {
  public static void main(String[] args) throws Exception {
    Account upstream = new Account("provider", List.of(args), 0, 0, 0, 0);
    Account plenty = new Account("plenty", List.of("client-key"), 0, 0, 0, 0);
    Account scarce = new Account("scarce", List.of("scarce-key"), 1, 0, 0, 0);
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ProviderSimulator provider = start(60_000, upstream);
        ProviderSimulator direct = start(2_300, plenty, scarce);
        ProviderSimulator slow = start(15_000, scarce)) {
      try (ServerSocket data = new ServerSocket(0, 1, loopback);
          ServerSocket admin = new ServerSocket(0, 1, loopback)) {
        System.out.printf(
            "%d %d %d %d %d%n",
            provider.port(), direct.port(), slow.port(), data.getLocalPort(), admin.getLocalPort());
      }
      System.in.transferTo(java.io.OutputStream.nullOutputStream());
    }
  }

  private static ProviderSimulator start(long windowMs, Account... accounts) {
    return ProviderSimulator.start(Settings.of(Duration.ofMillis(windowMs), accounts));
  }
}
