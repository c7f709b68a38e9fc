package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import relay.memory.MemoryBudget;

class ClientMemoryTest {
  private final MemoryBudget budget = MemoryBudget.ofHeap(256L << 20);
  private final AtomicInteger strangers = new AtomicInteger(); // connections that may be closed
  private final ClientMemory memory = new ClientMemory(budget, this::closeStranger);

  private boolean closeStranger() {
    if (strangers.get() == 0) {
      return false;
    }
    strangers.decrementAndGet();
    budget.giveBack(RequestMemory.REQUEST_BYTES);
    return true;
  }

  private RequestMemory request(String client) {
    RequestMemory request = new RequestMemory(memory);
    request.of(client);
    return request;
  }

  /** Requests of a client that holds as much as it can. */
  private List<RequestMemory> all(String client) {
    List<RequestMemory> taken = new ArrayList<>();
    RequestMemory next = request(client);
    while (next.take()) {
      taken.add(next);
      next = request(client);
    }
    return taken;
  }

  @Test
  void a_client_that_holds_all_it_can_refuses_nothing_to_another() {
    List<RequestMemory> greedy = all("greedy");
    assertEquals(
        (budget.totalBytes() - budget.newcomersBytes()) / RequestMemory.REQUEST_BYTES,
        greedy.size());
    List<RequestMemory> other = all("other");
    assertEquals(budget.newcomersBytes() / RequestMemory.REQUEST_BYTES, other.size());
    other.forEach(RequestMemory::release);
    assertEquals(other.size(), all("third").size(), "what was released");
    greedy.forEach(RequestMemory::release);
    assertTrue(request("greedy").take());
  }

  @Test
  void a_request_takes_the_place_of_a_connection_without_a_credential() {
    assertTrue(budget.takeForNewcomer(budget.totalBytes()));
    strangers.set(2);
    assertTrue(request("a").take());
    assertTrue(request("b").take());
    assertFalse(request("a").take());
  }

  @Test
  void the_only_client_may_use_all() {
    int taken = 0;
    while (new RequestMemory(memory).take()) {
      taken++;
    }
    assertEquals(budget.totalBytes() / RequestMemory.REQUEST_BYTES, taken);
  }
}
