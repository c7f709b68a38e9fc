package relay.edge;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import relay.memory.MemoryBudget;

/**
 * The memory budget, as requests of clients with a credential use it. The part that is for new
 * connections and requests alone serves a client only while its own requests hold less than that
 * part. So a client that holds as much as it can refuses nothing to the others. Connections without
 * a credential make room for a request. Thread-safe, without locks, but for {@link #heldBy}.
 */
final class ClientMemory {
  private final MemoryBudget budget;
  private final BooleanSupplier closeStranger;
  private final Map<String, AtomicLong> held = new ConcurrentHashMap<>(); // bytes

  /**
   * @param closeStranger closes a connection without a credential; false if there is none
   */
  ClientMemory(MemoryBudget budget, BooleanSupplier closeStranger) {
    this.budget = budget;
    this.closeStranger = closeStranger;
  }

  MemoryBudget budget() {
    return budget;
  }

  /** What the requests of a client hold. Not for a carrier's own thread: it may block. */
  AtomicLong heldBy(String client) {
    return held.computeIfAbsent(client, _ -> new AtomicLong());
  }

  /**
   * Charges a new request.
   *
   * @param ofClient what its client holds; null if there is one client only
   * @return false if there is no room
   */
  boolean take(int bytes, @Nullable AtomicLong ofClient) {
    if (ofClient != null && ofClient.get() + bytes > budget.newcomersBytes()) {
      return budget.take(bytes);
    }
    while (!budget.takeForNewcomer(bytes)) {
      if (!closeStranger.getAsBoolean()) {
        return false;
      }
    }
    return true;
  }
}
