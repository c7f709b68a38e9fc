package relay.admission;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import relay.model.Counting;
import relay.redis.Estimates;
import relay.redis.model.ExpectedOutput;
import relay.redis.model.Lease;

/**
 * What a running stream has made of its output. Providers tell it at the end only, so it is
 * estimated from the bytes so far. One thread adds, others read.
 */
public final class OutputReports implements Function<Duration, Lease.@Nullable Progress> {
  /** Assumed until a stream of the model has ended. */
  private static final int BYTES_PER_TOKEN = 4;

  private final Estimates estimates;
  private final Counting counting;
  private final String model;
  private final long most;
  private final AtomicLong bytes = new AtomicLong(); // of text
  private final long beganNanos = System.nanoTime();

  /**
   * @param maxOutputTokens the client's bound; negative if it gave none
   */
  OutputReports(Estimates estimates, Counting counting, String model, long maxOutputTokens) {
    this.estimates = estimates;
    this.counting = counting;
    this.model = model;
    most = maxOutputTokens < 0 ? Long.MAX_VALUE : maxOutputTokens;
  }

  static OutputReports of(RequestPlan plan) {
    return new OutputReports(
        plan.route().pool().estimates(),
        plan.counting(),
        plan.upstreamModel(),
        plan.request().maxOutputTokens());
  }

  /**
   * What the stream has made so far.
   *
   * @param textBytes as {@link relay.stream.UsageScanner#madeBytes} has it
   */
  public void saw(long textBytes) {
    bytes.lazySet(textBytes);
  }

  /** Its tokens so far; 0 before the first. */
  public long made() {
    long learned = learned();
    return learned > 0 ? learned : Math.min(most, Math.ceilDiv(bytes.get(), BYTES_PER_TOKEN));
  }

  /** Likewise by the model's earlier streams; 0 if nothing is known of them. */
  private long learned() {
    return Math.min(most, estimates.streamedTokens(model, bytes.get()));
  }

  @Override
  public Lease.@Nullable Progress apply(Duration within) {
    long made = learned();
    if (made == 0) {
      return null;
    }
    ExpectedOutput all = estimates.output(model, made, within);
    long rest = Math.max(0, Math.min(most, all.tokens()) - made);
    return new Lease.Progress(
        counting.weights().output(made),
        counting.weights().output(rest),
        counting.weights().output(Math.min(rest, all.spread())));
  }

  /**
   * The stream has ended, and the provider told its output. Its time tells what is made within a
   * window, which is of no use where output counts at admission.
   */
  void ended(long outputTokens) {
    long nanos = counting.countsAsMade() ? System.nanoTime() - beganNanos : 0;
    estimates.learnStream(model, bytes.get(), outputTokens, nanos);
  }
}
