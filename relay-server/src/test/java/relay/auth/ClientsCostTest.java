package relay.auth;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import relay.config.KeyHash;
import relay.config.LimitsConfig;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.guards.Allocation;
import relay.guards.CostBound;
import relay.pool.Configs;

class ClientsCostTest {

  @Test
  void ten_thousand_clients_cost_an_authentication_what_ten_cost() {
    double few = bytesPerCall(10);
    double many = bytesPerCall(10_000);
    System.out.printf("Authentication of 1 of 10 clients %.0f B, of 10,000 %.0f B%n", few, many);
    assertTrue(many <= 1.2 * few, many + " against " + few);
  }

  private static double bytesPerCall(int count) {
    List<Client> all =
        IntStream.range(0, count)
            .mapToObj(
                n ->
                    new Client(
                        "client" + n,
                        List.of(KeyHash.of("sk-" + n)),
                        true,
                        new Client.Bounds(List.of(), Set.of(), LimitsConfig.UNKNOWN, 0)))
            .toList();
    Clients clients = new Clients(new Auth.Clients(all));
    String key = "sk-" + (count - 1);
    return Allocation.bytesPerCall(() -> assertNotNull(clients.authenticate(key, null)));
  }

  @Test
  void authentication_allocates_little() {
    String key = "sk-of-a-client";
    Clients clients =
        new Clients(
            Configs.of("server: { auth: { api_key: " + key + " } }\n" + Configs.POOLS)
                .server()
                .auth());
    CostBound.AUTHENTICATE.hold(
        Allocation.bytesPerCall(() -> assertNotNull(clients.authenticate(key, null))));
  }
}
