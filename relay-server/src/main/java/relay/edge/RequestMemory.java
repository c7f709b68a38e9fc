package relay.edge;

import io.undertow.server.HttpServerExchange;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import relay.memory.MemoryBudget;

/**
 * What a request of an authenticated client holds of the memory budget besides its body, until its
 * answer has left. Any thread may release it; only the first time counts.
 */
final class RequestMemory {
  /** An open stream holds 15.8 KB of live heap: relay-benchmarks/PROFILE.md. */
  static final int REQUEST_BYTES = 16 * 1024;

  /** Unsent chunks, the stream's own buffer, and a grown stack. */
  static final int STALL_BYTES = 32 * 1024;

  /** What is between an upload and its provider: a buffer, unsent segments, and a grown stack. */
  static final int UPLOAD_BYTES = 96 * 1024;

  private static final AtomicIntegerFieldUpdater<RequestMemory> TAKEN =
      AtomicIntegerFieldUpdater.newUpdater(RequestMemory.class, "taken");

  private final ClientMemory clients;
  private final MemoryBudget budget;
  private @Nullable AtomicLong ofClient; // bytes of all its requests
  private volatile int taken; // bytes
  private int readAhead;
  private int stalled; // bytes taken

  RequestMemory(ClientMemory clients) {
    this.clients = clients;
    budget = clients.budget();
  }

  /** Whose request it is. On a virtual thread, before {@link #take}. */
  void of(String client) {
    ofClient = clients.heldBy(client);
  }

  /** False if the budget has no room. */
  boolean take() {
    return clients.take(REQUEST_BYTES, ofClient) && taken(REQUEST_BYTES);
  }

  private boolean taken(int bytes) {
    TAKEN.addAndGet(this, bytes);
    if (ofClient != null) {
      ofClient.addAndGet(bytes);
    }
    return true;
  }

  /** After {@link #take}, for a body that passes. False if the budget has no room. */
  boolean takeForUpload() {
    return budget.take(UPLOAD_BYTES) && taken(UPLOAD_BYTES);
  }

  /** Before a wait for a client that does not read. False if the budget has no room. */
  boolean takeForStall() {
    int bytes = STALL_BYTES + readAhead;
    if (!budget.take(bytes)) {
      return false;
    }
    stalled = bytes;
    return true;
  }

  /** What the provider may send ahead during a stall. */
  void readAhead(int bytes) {
    readAhead = bytes;
  }

  void endOfStall() {
    budget.giveBack(stalled);
    stalled = 0;
  }

  void release() {
    int bytes = TAKEN.getAndSet(this, 0);
    if (bytes > 0) {
      budget.giveBack(bytes);
      if (ofClient != null) {
        ofClient.addAndGet(-bytes);
      }
    }
  }

  /** Releases it when the answer has left, or its connection has closed. On the I/O thread. */
  void release(HttpServerExchange exchange, ClientClosing closing) {
    ExchangeEnd.then(exchange, this::release);
    if (taken > 0) {
      closing.tell(exchange, this::release);
    }
  }
}
