package relay.redis.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import relay.redis.model.Fallback;

/** After an outage a replica tells Redis what it granted, before it asks for a lease. */
final class OutageDebtTest {
  private final Throwable full =
      new CompletionException(
          new RedisCommandExecutionException("OOM command not allowed when used memory > 1"));

  private final OutageDebt debt = new OutageDebt(Fallback.FAIR_SHARE);
  private final List<String> told = new ArrayList<>();

  private boolean isTold() {
    return debt.isTold(() -> told.add("use"));
  }

  @Test
  void after_an_outage_it_is_told_once() {
    assertTrue(isTold());
    assertTrue(told.isEmpty());
    debt.away();
    assertTrue(isTold());
    assertTrue(isTold());
    assertEquals(1, told.size());
  }

  @Test
  void a_refused_charge_is_told_again_before_it_is_asked_and_not_before_a_heartbeat() {
    debt.away();
    assertTrue(isTold());
    debt.failed(full);
    assertFalse(isTold());
    assertFalse(debt.isNone());
    debt.askAgain();
    assertTrue(isTold());
    assertEquals(2, told.size());
  }

  @Test
  void others_are_not_told_while_one_tells_and_an_outage_meanwhile_is_told_too() {
    debt.away();
    assertTrue(
        debt.isTold(
            () -> {
              assertFalse(isTold());
              debt.away();
            }));
    assertTrue(isTold());
    assertEquals(1, told.size());
  }

  @Test
  void what_is_told_by_a_call_that_failed_for_another_reason_is_sent_again_later() {
    debt.failed(new RedisCommandExecutionException("ERR wrong number of arguments"));
    debt.failed(new CompletionException(new java.io.IOException("gone")));
    debt.failed(null);
    assertTrue(debt.isNone());
  }

  @Test
  void nothing_is_owed_if_nothing_is_granted_without_it() {
    OutageDebt closed = new OutageDebt(Fallback.CLOSED);
    closed.away();
    closed.failed(full);
    assertTrue(closed.isNone());
  }
}
