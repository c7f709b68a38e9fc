package relay.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.leases.LeaseApi;
import relay.redis.KeyPool;

/** The open leases of workers in a pool, by client. Read only when somebody asks. */
final class OpenLeases {
  /** If there are more clients, only the first ones are shown. */
  private static final int MOST_CLIENTS = 1_000;

  private OpenLeases() {}

  /** Adds {@code leases} to a pool's state; not without Redis. */
  static CompletableFuture<ObjectNode> addTo(ObjectNode pool, KeyPool counting, Auth auth) {
    List<String> clients =
        auth.clients().stream()
            .filter(client -> client.bounds().leases())
            .map(Client::name)
            .limit(MOST_CLIENTS)
            .toList();
    if (clients.isEmpty()) {
      return CompletableFuture.completedFuture(pool);
    }
    return counting
        .openLeases(clients.stream().map(LeaseApi::ownerOf).toList())
        .handle(
            (open, failure) -> {
              if (open != null) {
                ObjectNode leases = pool.putObject("leases");
                for (int n = 0; n < clients.size(); n++) {
                  leases.put(clients.get(n), open.get(n));
                }
              }
              return pool;
            });
  }
}
