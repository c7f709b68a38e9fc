package relay.auth;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import org.junit.jupiter.api.Test;
import relay.guards.Allocation;
import relay.guards.CostBound;
import relay.pool.Configs;

class ClientsCostTest {

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
