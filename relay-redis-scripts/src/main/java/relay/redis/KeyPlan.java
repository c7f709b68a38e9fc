package relay.redis;

/**
 * A credential of a pool, without its secret.
 *
 * @param id its name in Redis, without spaces
 * @param account the quota owner; keys of one account share its quota groups
 * @param priority keys of higher priority are used first
 * @param weight its share under the weighted strategy
 * @param maxConcurrent maximum of live leases; 0 for no bound
 */
public record KeyPlan(String id, String account, int priority, int weight, int maxConcurrent) {
  public KeyPlan {
    Names.check("key", id);
    Names.check("account", account);
    if (priority < 0 || weight < 0 || maxConcurrent < 0) {
      throw new IllegalArgumentException(
          "priority, weight and maxConcurrent of key " + id + " must not be negative");
    }
  }
}
