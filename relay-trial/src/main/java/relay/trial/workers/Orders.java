package relay.trial.workers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** What the trial orders a worker to do: a word a line. The end of the input is the last order. */
final class Orders {

  enum Order {
    /** Begins. */
    GO,
    /** Has the provider refuse the first request of the next lease. */
    REFUSE,
    /** Keeps the next lease open, as it is in the middle of its work, until the process dies. */
    HOLD,
    /** Ends the lease at hand, and reports. */
    END;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final CountDownLatch go = new CountDownLatch(1);
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicBoolean refuse = new AtomicBoolean();
  private final AtomicBoolean hold = new AtomicBoolean();

  /** Reads orders until the input ends: the trial ended, or the process that ran it. */
  void read(InputStream in) {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        obey(Order.valueOf(line.toUpperCase(Locale.ROOT)));
      }
    } catch (IOException e) {
      // as its end
    }
    obey(Order.END);
  }

  private void obey(Order order) {
    switch (order) {
      case GO -> go.countDown();
      case REFUSE -> refuse.set(true);
      case HOLD -> hold.set(true);
      case END -> {
        end.countDown();
        go.countDown();
      }
    }
  }

  void awaitGo() throws InterruptedException {
    go.await();
  }

  boolean ended() {
    return end.getCount() == 0;
  }

  void awaitEnd() throws InterruptedException {
    end.await();
  }

  /** Waits; returns whether the time passed before the end was ordered. */
  boolean pause(long millis) throws InterruptedException {
    return !end.await(millis, TimeUnit.MILLISECONDS);
  }

  /** Whether the next request is to be refused; true once an order. */
  boolean takeRefuse() {
    return refuse.getAndSet(false);
  }

  boolean mustHold() {
    return hold.get();
  }
}
