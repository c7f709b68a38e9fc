package relay.auth;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.config.KeyHash;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;

/**
 * Knows callers by their credential. The time it takes says nothing about the credential: a caller
 * cannot steer the SHA-256 by which it is looked up, and hashes are compared in constant time.
 */
public final class Clients {
  private final Map<KeyHash, Client> clients;
  private final Caller anyone = new Caller("anonymous", null);
  private final boolean open;

  /** Who calls, and what it may use. */
  public record Caller(String name, @Nullable Client restrictions) {

    /** Whether the caller may use a model. */
    public boolean mayUseModel(String model) {
      return restrictions == null || restrictions.mayUseModel(model);
    }

    /** Whether no model is kept from the caller. */
    public boolean mayUseAnyModel() {
      return restrictions == null || restrictions.models().isEmpty();
    }

    /** Whether the caller may use a provider. */
    public boolean mayUseProvider(String provider) {
      return restrictions == null || restrictions.mayUseProvider(provider);
    }
  }

  public Clients(Auth auth) {
    switch (auth) {
      case Auth.Open() -> {
        open = true;
        clients = Map.of();
      }
      case Auth.Clients(List<Client> known) -> {
        open = false;
        clients = new HashMap<>();
        for (Client client : known) {
          client.keyHashes().forEach(hash -> clients.put(hash, client));
        }
      }
    }
  }

  /**
   * The caller with this credential.
   *
   * @param apiKey the {@code x-api-key} header
   * @param authorization the {@code Authorization} header
   * @return null if neither is a client's
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
