package relay.upstream;

import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import okhttp3.Dns;

/**
 * Resolves host names on dedicated threads: the system's resolver may block for seconds, which
 * would stall all other requests of a carrier.
 */
final class NameLookups implements Dns, AutoCloseable {
  private static final int AT_ONCE = 4; // the JDK caches results, so lookups are rare

  private final ExecutorService threads =
      Executors.newFixedThreadPool(
          AT_ONCE, Thread.ofPlatform().name("names-", 0).daemon().factory());

  @Override
  public List<InetAddress> lookup(String hostname) throws UnknownHostException {
    try {
      return threads.submit(() -> Dns.SYSTEM.lookup(hostname)).get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof UnknownHostException unknown ? unknown : unknown(hostname, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unknown(hostname, new InterruptedIOException());
    } catch (RejectedExecutionException e) {
      throw unknown(hostname, e);
    }
  }

  private static UnknownHostException unknown(String hostname, Throwable cause) {
    UnknownHostException unknown = new UnknownHostException(hostname);
    unknown.initCause(cause);
    return unknown;
  }

  @Override
  public void close() {
    threads.shutdown();
  }
}
