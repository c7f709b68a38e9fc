package relay.trial.load;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import relay.trial.load.PoolView.Group;
import relay.trial.load.PoolView.Usage;

class PoolViewTest {

  @Test
  void reads_the_admin_ports_snapshot() throws IOException {
    PoolView snapshot =
        PoolView.parse(
            """
            {"pools": [{ "name": "trial", "strategy": "least_loaded", "window_ms": 5000,
              "groups": [ { "id": "acme/default", "account": "acme", "model_class": "default",
                "limits": { "rpm": 50, "itpm": 30000, "otpm": null, "tpm": null },
                "used": { "rpm": 12, "itpm": 8100, "otpm": 900, "tpm": 9000 },
                "in_flight": 3, "cooldown_ms": 0 } ], "keys": [] }]}
            """);
    Group acme =
        new Group("acme", new Usage(12, 50), new Usage(8100, 30000), new Usage(900, 0), 3, 0);
    assertEquals(new PoolView(List.of(acme)), snapshot);
    assertEquals(0.27, acme.share(), 1e-9);
    assertEquals(3, snapshot.inFlight());
  }
}
