package relay.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class MemoryBudgetTest {
  private static final long MIB = 1 << 20;

  private final MemoryBudget budget = MemoryBudget.ofHeap(128 * MIB);

  @Test
  void what_is_held_leaves_an_eighth_for_newcomers() {
    while (budget.take(MIB)) {
      // as much as stalled answers, bodies and heads may hold
    }
    assertEquals(56 * MIB, budget.usedBytes());
    for (int n = 0; n < 8; n++) {
      assertTrue(budget.takeForNewcomer(MIB));
    }
    assertFalse(budget.takeForNewcomer(1));
    assertEquals(64 * MIB, budget.usedBytes());
  }

  @Test
  void a_share_leaves_it_too() {
    assertTrue(budget.take(40 * MIB));
    MemoryBudget share = budget.share(2);
    assertTrue(share.take(16 * MIB));
    assertFalse(share.take(1));
    assertEquals(16 * MIB, share.usedBytes());
    assertEquals(56 * MIB, budget.usedBytes());
    share.giveBack(16 * MIB);
    assertEquals(40 * MIB, budget.usedBytes());
  }
}
