package relay.auth;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.config.KeyHash;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.pool.ClientShares;

/**
 * Identifies clients by their credential. The timing reveals nothing about credentials: lookup uses
 * their SHA-256, which a client cannot control, and hashes are compared in constant time.
 */
public final class Clients {
  private final Map<KeyHash, Client> clients;
  private final Caller anyone = new Caller("anonymous", null);
  private final boolean open;
  private final boolean several;
  private final ClientShares shares;

  /** An authenticated client and its permissions. */
  public record Caller(String name, @Nullable Client restrictions) {

    /** Whether the client may use a model. */
    public boolean mayUseModel(String model) {
      return restrictions == null || restrictions.mayUseModel(model);
    }

    /** Whether the client may use every model. */
    public boolean mayUseAnyModel() {
      return restrictions == null || restrictions.models().isEmpty();
    }

    /** Whether the client may use a provider. */
    public boolean mayUseProvider(String provider) {
      return restrictions == null || restrictions.mayUseProvider(provider);
    }
  }

  public Clients(Auth auth) {
    shares = new ClientShares(auth);
    switch (auth) {
      case Auth.Open() -> {
        open = true;
        several = false;
        clients = Map.of();
      }
      case Auth.Clients(List<Client> known) -> {
        open = false;
        several = known.size() > 1;
        clients = new HashMap<>();
        for (Client client : known) {
          client.keyHashes().forEach(hash -> clients.put(hash, client));
        }
      }
    }
  }

  /** Whether there is more than one. */
  public boolean areSeveral() {
    return several;
  }

  /** What they get of a pool that is short. */
  public ClientShares shares() {
    return shares;
  }

  /**
   * Finds the client with this credential.
   *
   * @param apiKey the {@code x-api-key} header
   * @param authorization the {@code Authorization} header
   * @return null if neither belongs to a client
   */
  public @Nullable Caller authenticate(@Nullable String apiKey, @Nullable String authorization) {
    if (open) {
      return anyone;
    }
    Caller byKey = apiKey == null ? null : find(apiKey);
    if (byKey != null || authorization == null) {
      return byKey;
    }
    return authorization.regionMatches(true, 0, "Bearer ", 0, 7)
        ? find(authorization.substring(7).strip())
        : null;
  }

  private @Nullable Caller find(String credential) {
    Client client = clients.get(KeyHash.of(credential));
    return client == null ? null : new Caller(client.name(), client);
  }
}
