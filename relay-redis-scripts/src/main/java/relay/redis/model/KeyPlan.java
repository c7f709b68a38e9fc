package relay.redis.model;

import java.util.List;

/**
 * A credential of a pool, without its secret.
 *
 * @param id its name in Redis, without spaces
 * @param account the quota owner; keys of one account share its quota groups. {@code a/w} is a part
 *     of the account {@code a}, such as a workspace: the limits of both hold
 * @param priority keys of higher priority are used first
 * @param weight its share under the weighted strategy
 * @param maxConcurrent maximum of live leases; 0 for no bound
 * @param enforce false for shadow mode: a request that no key can carry is granted on such a key
 *     all the same, and its lease says why it would have been refused
 * @param budgets what it may spend, in a {@link PoolPlan#named} pool
 */
public record KeyPlan(
    String id,
    String account,
    int priority,
    int weight,
    int maxConcurrent,
    boolean enforce,
    List<Budget> budgets) {
  public KeyPlan {
    budgets = List.copyOf(budgets);
    Names.check("key", id);
    Names.check("account", account);
    if (priority < 0 || weight < 0 || maxConcurrent < 0) {
      throw new IllegalArgumentException(
          "priority, weight and maxConcurrent of key " + id + " must not be negative");
    }
  }

  /** A key without budgets. */
  public KeyPlan(
      String id, String account, int priority, int weight, int maxConcurrent, boolean enforce) {
    this(id, account, priority, weight, maxConcurrent, enforce, List.of());
  }

  /** A key whose limits are enforced. */
  public KeyPlan(String id, String account, int priority, int weight, int maxConcurrent) {
    this(id, account, priority, weight, maxConcurrent, true);
  }
}
