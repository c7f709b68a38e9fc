package relay.config;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The replica itself.
 *
 * @param listen the data plane
 * @param adminListen the admin plane; must differ from the data plane's address
 * @param adminToken null = none
 * @param tls of the data plane; null = plain text
 * @param enableHttp2 whether to accept HTTP/2 as well as HTTP/1.1: by ALPN with TLS, by prior
 *     knowledge without
 * @param maxBodyBytes the largest request body, in bytes
 * @param maxUploadBytes the largest body of a passthrough request, which is not held
 * @param maxConcurrent concurrent requests in this replica; 0 = bounded only by memory
 * @param connectTimeout for connections to providers
 * @param idleTimeout the longest silence from a provider during a response
 * @param drain how long running requests may continue after SIGTERM
 * @param auth access control of the data plane
 */
public record ServerConfig(
    ListenAddress listen,
    ListenAddress adminListen,
    @Nullable Secret adminToken,
    @Nullable TlsConfig tls,
    boolean enableHttp2,
    int maxBodyBytes,
    int maxUploadBytes,
    int maxConcurrent,
    Duration connectTimeout,
    Duration idleTimeout,
    Duration drain,
    Auth auth) {

  /**
   * Access control of the data plane. If {@code auth} is absent, a replica on a loopback address is
   * open, as with {@code auth: none}. On any other address an absent {@code auth} is a fault.
   */
  public sealed interface Auth {

    /** The configured clients; none if no credential is needed. */
    List<Client> clients();

    /** No credential needed. */
    record Open() implements Auth {
      @Override
      public List<Client> clients() {
        return List.of();
      }
    }

    /**
     * Only the configured clients.
     *
     * @param clients at least one, with unique names and keys
     */
    record Clients(List<Client> clients) implements Auth {
      public Clients {
        clients = List.copyOf(clients);
      }
    }
  }

  /**
   * A client of Relay. Only the hashes of its keys are kept.
   *
   * @param keyHashes at least one; while a key is rotated, the old one beside the new one
   * @param enforce false: its own limits are counted and never refuse
   */
  public record Client(
      String name, List<KeyHash> keyHashes, boolean enforce, Bounds bounds, Standing standing) {

    /** Without a weight or a priority. */
    public Client(String name, List<KeyHash> keyHashes, boolean enforce, Bounds bounds) {
      this(name, keyHashes, enforce, bounds, Standing.DEFAULT);
    }

    /**
     * What it gets of a pool that is short.
     *
     * @param weight its share among the clients of its priority
     */
    public record Standing(long weight, ClientPriority priority) {
      static final long MAX_WEIGHT = 1_000_000;

      /** The standing of a client that states none. */
      public static final Standing DEFAULT = new Standing(1, ClientPriority.STANDARD);
    }

    public Client {
      keyHashes = List.copyOf(keyHashes);
      if (keyHashes.isEmpty()) {
        throw new IllegalArgumentException("client " + name + " has no key");
      }
    }

    /**
     * A client's permissions and limits.
     *
     * @param models the permitted models; empty = all
     * @param providers the names of the permitted providers; empty = all
     * @param limits the client's own limits per minute, over all replicas
     * @param maxConcurrent concurrent requests over all replicas; 0 = no bound
     * @param budgets what it may spend, over all replicas
     * @param leases whether it may call providers by itself, with leases
     */
    public record Bounds(
        List<ModelPattern> models,
        Set<String> providers,
        LimitsConfig limits,
        int maxConcurrent,
        List<BudgetConfig> budgets,
        boolean leases) {

      /** Without budgets and leases. */
      public Bounds(
          List<ModelPattern> models,
          Set<String> providers,
          LimitsConfig limits,
          int maxConcurrent) {
        this(models, providers, limits, maxConcurrent, List.of(), false);
      }

      public Bounds {
        budgets = List.copyOf(budgets);
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

    /** Whether the client has its own limits or budgets. */
    public boolean isLimited() {
      return hasLimits() || !bounds.budgets().isEmpty();
    }

    public boolean hasLimits() {
      return bounds.maxConcurrent() > 0 || bounds.limits().areKnown();
    }

    /** Whether it has a budget in dollars, for which models need prices. */
    public boolean countsDollars() {
      return bounds.budgets().stream().anyMatch(budget -> budget.usd() > 0);
    }

    public boolean mayUseModel(String model) {
      return models().isEmpty() || models().stream().anyMatch(pattern -> pattern.matches(model));
    }

    public boolean mayUseProvider(String provider) {
      return providers().isEmpty() || providers().contains(provider);
    }
  }

  /**
   * This configuration with the settings of another that hold from the start of a process to its
   * end: the addresses, HTTP/2, and whether the data plane speaks TLS.
   */
  ServerConfig startedAs(ServerConfig running) {
    boolean sameTransport = (tls == null) == (running.tls == null);
    return new ServerConfig(
        running.listen,
        running.adminListen,
        adminToken,
        sameTransport ? tls : running.tls,
        running.enableHttp2,
        maxBodyBytes,
        maxUploadBytes,
        maxConcurrent,
        connectTimeout,
        idleTimeout,
        drain,
        auth);
  }
}
