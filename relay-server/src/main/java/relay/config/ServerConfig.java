package relay.config;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The replica itself.
 *
 * @param listen the data plane
 * @param adminListen the admin plane; never the data plane's address
 * @param adminToken null = none
 * @param tls of the data plane; null = plain
 * @param enableHttp2 HTTP/2 beside HTTP/1.1: by ALPN with TLS, by prior knowledge without
 * @param maxBodyBytes the largest request body, in bytes
 * @param maxConcurrent requests at once in this replica; 0 = no bound but memory
 * @param connectTimeout to a provider
 * @param idleTimeout how long a provider may send no byte
 * @param drain how long running requests may go on after SIGTERM
 * @param auth who may call the data plane
 */
public record ServerConfig(
    ListenAddress listen,
    ListenAddress adminListen,
    @Nullable Secret adminToken,
    @Nullable TlsConfig tls,
    boolean enableHttp2,
    int maxBodyBytes,
    int maxConcurrent,
    Duration connectTimeout,
    Duration idleTimeout,
    Duration drain,
    Auth auth) {

  /**
   * Who may call the data plane. Without {@code auth} a replica on a loopback address is open, as
   * with {@code auth: none}; on any other address its absence is a fault.
   */
  public sealed interface Auth {

    /** Everyone; no credential is asked for. */
    record Open() implements Auth {}

    /**
     * Only these.
     *
     * @param clients at least one, with different names and different keys
     */
    record Clients(List<Client> clients) implements Auth {
      public Clients {
        clients = List.copyOf(clients);
      }
    }
  }

  /** A caller of Relay. Only the hash of its key is kept. */
  public record Client(String name, KeyHash keyHash, Bounds bounds) {

    /**
     * What a client may use.
     *
     * @param models the models that it may use; empty = all
     * @param providers the names of the providers that it may use; empty = all
     * @param limits of its own, over all replicas, in a minute
     * @param maxConcurrent requests at once, over all replicas; 0 = no bound
     */
    public record Bounds(
        List<ModelPattern> models, Set<String> providers, LimitsConfig limits, int maxConcurrent) {
      public Bounds {
        models = List.copyOf(models);
        providers = Set.copyOf(providers);
      }
    }

    public List<ModelPattern> models() {
      return bounds.models();
    }

    public Set<String> providers() {
      return bounds.providers();
    }

    /** Whether it has limits of its own. */
    public boolean isLimited() {
      return bounds.maxConcurrent() > 0 || bounds.limits().areKnown();
    }

    public boolean mayUseModel(String model) {
      return models().isEmpty() || models().stream().anyMatch(pattern -> pattern.matches(model));
    }

    public boolean mayUseProvider(String provider) {
      return providers().isEmpty() || providers().contains(provider);
    }
  }
}
