package relay.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

  @ParameterizedTest
  @CsvSource({
    "384, 16384, 192", // a machine of its own: half the heap
    "384, 768, 192", // the manifests
    "200, 400, 76",
    "128, 256, 28",
    "96, 192, 16"
  })
  void a_small_container_holds_less(int heapMib, int limitMib, int budgetMib) {
    MemoryBudget small = MemoryBudget.of(heapMib * MIB, limitMib * MIB);
    assertEquals(budgetMib, small.totalBytes() / MIB);
  }

  @Test
  void little_memory_is_told() {
    assertEquals(Optional.empty(), ProcessMemory.warning(300 * MIB, 300 * MIB));
    assertEquals(Optional.empty(), ProcessMemory.warning(16_384 * MIB, 512 * MIB));
    String container = ProcessMemory.warning(256 * MIB, 256 * MIB).orElseThrow();
    assertTrue(
        container.startsWith("the memory limit of this container or machine is 256 MB, too"));
    assertTrue(container.endsWith("Give it 400 MB or more"));
    assertTrue(
        ProcessMemory.warning(16_384 * MIB, 128 * MIB)
            .orElseThrow()
            .startsWith("heap and direct memory (-Xmx, -XX:MaxDirectMemorySize) may take 128 MB"));
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

  @Test
  void a_large_charge_that_fails_refuses_no_small_one_meanwhile() throws InterruptedException {
    assertTrue(budget.take(40 * MIB));
    MemoryBudget bodies = budget.share(2);
    AtomicBoolean over = new AtomicBoolean();
    Thread large =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!over.get()) {
                    assertFalse(bodies.take(32 * MIB));
                  }
                });
    try {
      for (int n = 0; n < 1_000_000; n++) {
        assertTrue(budget.take(1));
        budget.giveBack(1);
      }
    } finally {
      over.set(true);
    }
    large.join();
    assertEquals(0, bodies.usedBytes());
  }
}
