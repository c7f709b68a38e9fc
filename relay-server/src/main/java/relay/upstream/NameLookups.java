package relay.upstream;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import okhttp3.Dns;
import relay.carrier.NoSocketException;

/**
 * Resolves host names on dedicated threads: the system's resolver may block for seconds, which
 * would stall all other requests of a carrier.
 *
 * <p>A name has at most one lookup at a time, whose result all its callers get. So a name that does
 * not resolve occupies one thread and delays no other name. The configuration bounds the names.
 */
final class NameLookups implements Dns, AutoCloseable {
  private final Dns system;
  private final Duration timeout;
  private final Map<String, CompletableFuture<List<InetAddress>>> running =
      new ConcurrentHashMap<>();
  private final ExecutorService threads =
      Executors.newCachedThreadPool(Thread.ofPlatform().name("names-", 0).daemon().factory());

  /**
   * @param timeout the longest wait of a caller; the lookup itself cannot be interrupted
   */
  NameLookups(Dns system, Duration timeout) {
    this.system = system;
    this.timeout = timeout;
  }

  @Override
  public List<InetAddress> lookup(String hostname) throws UnknownHostException {
    try {
      return begin(hostname).get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw unknown(hostname, e.getCause() == null ? e : e.getCause());
    } catch (TimeoutException e) {
      throw unknown(hostname + ": no answer within " + timeout.toMillis() + " ms", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unknown(hostname, e);
    }
  }

  private CompletableFuture<List<InetAddress>> begin(String hostname) {
    CompletableFuture<List<InetAddress>> mine = new CompletableFuture<>();
    CompletableFuture<List<InetAddress>> other = running.putIfAbsent(hostname, mine);
    if (other != null) {
      return other;
    }
    try {
      threads.execute(() -> run(hostname, mine));
    } catch (RuntimeException | OutOfMemoryError e) {
      end(hostname, mine);
      mine.completeExceptionally(new NoSocketException(e)); // closed, or no thread can be made
    }
    return mine;
  }

  private void run(String hostname, CompletableFuture<List<InetAddress>> result) {
    try {
      List<InetAddress> addresses = system.lookup(hostname);
      end(hostname, result);
      result.complete(addresses);
    } catch (Throwable e) { // a caller waits for the result, whatever it is
      end(hostname, result);
      result.completeExceptionally(ownFault(e));
    }
  }

  private void end(String hostname, CompletableFuture<List<InetAddress>> result) {
    running.remove(hostname, result);
  }

  /** The resolver needs a descriptor, and without one it says only that the name is unknown. */
  private static Throwable ownFault(Throwable failure) {
    try (SocketChannel free = SocketChannel.open()) {
      return free.isOpen() ? failure : new NoSocketException(failure);
    } catch (IOException e) {
      return new NoSocketException(e);
    }
  }

  private static UnknownHostException unknown(String message, Throwable cause) {
    UnknownHostException unknown = new UnknownHostException(message);
    unknown.initCause(cause);
    return unknown;
  }

  @Override
  public void close() {
    threads.shutdown();
  }
}
