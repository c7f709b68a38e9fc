package relay.trial.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import relay.trial.load.PlainConnection.Answer;

/**
 * Checks that {@code retry-after-ms} is exact, on a pool without other load: exhausts it, takes the
 * time of the 429, retries a slot earlier (must be refused), and retries at the time (must be
 * granted).
 *
 * <p>The requests are large, a tenth of a limit, so that the wait is longer than a slot. A round is
 * repeated if its early request took too long to prove anything.
 */
public final class RetryProbe {
  /** Slots in a window: the engine's resolution. */
  private static final int SLOTS = 480;

  private static final int MAX_TRIES = 200;
  private static final Duration SETTLE_TIMEOUT = Duration.ofSeconds(2);

  /** Replicas send settles a few milliseconds late, in batches. */
  private static final Duration SETTLED = Duration.ofMillis(60);

  /**
   * @param rounds conclusive rounds
   * @param granted retries granted at the time
   * @param refused retries refused a slot before
   * @param wanted requested rounds
   */
  public record Outcome(int rounds, int granted, int refused, int wanted) {

    /** Whether every round was conclusive and kept the promise. */
    public boolean holds() {
      return rounds == wanted && granted == rounds && refused == rounds;
    }
  }

  private static final Duration LOOK_AGAIN = Duration.ofMillis(5);

  /** A refused request that does not come back has its place for some seconds. */
  private static final Duration QUIET_TIMEOUT = Duration.ofSeconds(8);

  /** Longer than the interval of the heartbeats, which read how many wait. */
  private static final Duration QUIET = Duration.ofMillis(1_200);

  private final InetSocketAddress replica;
  private final InetSocketAddress admin;
  private final byte[] template;
  private final long slotNanos;

  public RetryProbe(
      InetSocketAddress replica, InetSocketAddress admin, byte[] largeRequest, Duration window) {
    this.replica = replica;
    this.admin = admin;
    this.template = largeRequest;
    this.slotNanos = window.toNanos() / SLOTS;
  }

  /**
   * Runs {@code wanted} rounds once no request waits, and returns after {@code timeout} with the
   * rounds done so far.
   */
  public Outcome run(int wanted, Duration timeout) throws IOException {
    awaitNobodyWaits();
    long deadlineNanos = System.nanoTime() + timeout.toNanos();
    int rounds = 0;
    int granted = 0;
    int refused = 0;
    try (PlainConnection connection = new PlainConnection(replica, 1024)) {
      byte[] request = numbered(0);
      for (int i = 1; i <= MAX_TRIES && rounds < wanted; i++) {
        if (System.nanoTime() > deadlineNanos) {
          break;
        }
        awaitSettled();
        long askedNanos = System.nanoTime();
        Answer answer = connection.exchange(request);
        long answeredNanos = System.nanoTime();
        long waitNanos = RetryAfter.of(answer).ms() * 1_000_000;
        if (answer.status() != 429) {
          request = numbered(i);
          continue;
        }
        if (waitNanos < 3 * slotNanos) {
          continue; // it is sent again: its place would hold up the next
        }
        // Arrives by asked + wait - slot, if it takes no longer than the margin.
        long marginNanos = slotNanos * 3 / 4;
        Wait.until(askedNanos + waitNanos - slotNanos - marginNanos);
        long earlyNanos = System.nanoTime();
        Answer early = connection.exchange(request);
        boolean late = System.nanoTime() - earlyNanos > marginNanos;
        if (early.status() == 200 && late) {
          request = numbered(i);
          continue;
        }
        rounds++;
        refused += early.status() == 429 ? 1 : 0;
        Wait.until(answeredNanos + waitNanos);
        granted += connection.exchange(request).status() == 200 ? 1 : 0;
        request = numbered(i);
      }
    }
    return new Outcome(rounds, granted, refused, wanted);
  }

  /**
   * The request with a number as the last characters of its text: a new request, not a repetition
   * of the one before.
   */
  private byte[] numbered(int number) {
    byte[] request = template.clone();
    byte[] digits = "%04d".formatted(number).getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(
        digits,
        0,
        request,
        request.length - RequestBytes.END.length() - digits.length,
        digits.length);
    return request;
  }

  /** Others that wait are served first, so a retry time is exact only without them. */
  private void awaitNobodyWaits() throws IOException {
    awaitQuiet(QUIET, QUIET_TIMEOUT, () -> PoolView.waiting(admin) > 0);
  }

  /**
   * Waits until the leases have not changed for a while: a settle gives tokens back, and a retry
   * would then succeed early. It does not wait for zero leases: the lease of a call that timed out
   * lives until its deadline.
   */
  private void awaitSettled() throws IOException {
    AtomicLong inFlight = new AtomicLong(PoolView.of(admin).inFlight());
    awaitQuiet(
        SETTLED,
        SETTLE_TIMEOUT,
        () -> {
          long now = PoolView.of(admin).inFlight();
          return inFlight.getAndSet(now) != now;
        });
  }

  @FunctionalInterface
  private interface Look {
    boolean isBusy() throws IOException;
  }

  /** Looks every few milliseconds, until the replica was not busy for a while. */
  private static void awaitQuiet(Duration quiet, Duration timeout, Look look) throws IOException {
    long nowNanos = System.nanoTime();
    long deadlineNanos = nowNanos + timeout.toNanos();
    long busyNanos = nowNanos;
    while (nowNanos - busyNanos < quiet.toNanos() && nowNanos < deadlineNanos) {
      Wait.until(nowNanos + LOOK_AGAIN.toNanos());
      boolean isBusy = look.isBusy();
      nowNanos = System.nanoTime();
      if (isBusy) {
        busyNanos = nowNanos;
      }
    }
  }
}
