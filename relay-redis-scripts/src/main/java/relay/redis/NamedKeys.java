package relay.redis;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.AcquireCalls;
import relay.redis.lease.BudgetLedger;
import relay.redis.model.Allowance;
import relay.redis.model.Budget;
import relay.redis.script.FleetSurvey;

/**
 * What a pool whose demands name their key tells of each key: its use, its limits and its budgets.
 */
public final class NamedKeys {
  private final AcquireCalls acquires;
  private final BudgetLedger ledger;
  private final FleetSurvey fleet;

  NamedKeys(AcquireCalls acquires, BudgetLedger ledger, FleetSurvey fleet) {
    this.acquires = acquires;
    this.ledger = ledger;
    this.fleet = fleet;
  }

  /**
   * Somebody looks at all keys: {@link KeyPool#latest} has their use within some seconds, and goes
   * on for some minutes. Of many keys most replicas read that only if it is wanted.
   *
   * @return whether it was asked for in the minutes before, and so was read
   */
  public boolean want() {
    return fleet.want();
  }

  /** The rest of a key's limits at its last request; null if unknown. */
  public @Nullable Allowance allowance(String key) {
    return acquires.allowance(key);
  }

  /** Reads a key's usage and its {@link #allowance}. Fails if Redis cannot be asked. */
  public CompletableFuture<UsageTally.Standing> use(String key) {
    return acquires.ask(key).thenApply(UsageTally.Standing::of);
  }

  /**
   * What is spent of a key's budgets, at most a few seconds old; none spent if nothing is known.
   */
  public List<Budget.Spent> spent(String key) {
    return ledger.spent(key);
  }

  /** Reads what is spent of a key's budgets now. Fails if Redis cannot be asked. */
  public CompletableFuture<List<Budget.Spent>> readSpent(String key) {
    return ledger.read(List.of(key)).thenApply(done -> ledger.spent(key));
  }
}
