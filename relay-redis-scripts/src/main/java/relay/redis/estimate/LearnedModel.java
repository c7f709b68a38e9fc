package relay.redis.estimate;

import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import relay.redis.model.ExpectedOutput;

/**
 * Token estimates of one model, from the fleet's tally and this replica's unmerged one.
 * Thread-safe. Estimates are computed on learning, not on reading.
 *
 * <p>A prior outweighs few samples: it counts as four requests for the token ratio, and as two for
 * outputs.
 */
public final class LearnedModel {
  private static final double GUESSED_TOKENS_PER_BYTE = 0.25;
  private static final double GUESSED_INPUTS = 4;
  private static final double GUESSED_OUTPUTS = 2;

  /** Fewer new samples than this part of all change little: at a high rate not each is computed. */
  private static final double NEGLIGIBLE = 1 / 64.0;

  /**
   * The ratio stays while it is off by less. So a refused request is charged the same when it comes
   * back at the time it was told, though other replicas' samples arrive meanwhile.
   */
  private static final double STEADY = 1 / 100.0;

  /** The weight of earlier streams when one ends: about the last 50 count. */
  private static final double STREAMS_KEPT = 0.98;

  private ModelTally fleet = new ModelTally();
  private ModelTally unsent = new ModelTally();
  private @Nullable ModelTally inFlight;
  private volatile long sentAt;
  private volatile double tokensPerByte;
  private volatile double tokensPerStreamByte;
  private double streamBytes;
  private double streamTokens;
  private double streamNanos;
  private final Supplier<Duration> horizon;
  private final int guessedBucket;
  private final ModelTally all = new ModelTally();
  private int newSamples; // that `all` lacks
  private final OutputCurve outputs = new OutputCurve();
  private volatile ExpectedOutput output;

  /**
   * @param guessedOutput mean output before the first sample
   * @param horizon what a stream makes later than this is not expected
   */
  public LearnedModel(long guessedOutput, Supplier<Duration> horizon) {
    this.horizon = horizon;
    guessedBucket = OutputBuckets.of(guessedOutput);
    compute();
  }

  public double tokensPerByte() {
    return tokensPerByte;
  }

  /** The output to expect of a request within the horizon. */
  public ExpectedOutput output() {
    return output; // each request asks for it
  }

  /**
   * The same of one that has made some of it.
   *
   * @param made output tokens that it has made already
   * @param within what it makes later than this is not expected
   */
  public synchronized ExpectedOutput output(long made, Duration within) {
    return outputs.expected(made, most(within));
  }

  /** Output tokens for a byte of a stream, its framing included; 0 before one has ended. */
  public double tokensPerStreamByte() {
    return tokensPerStreamByte;
  }

  /** Tokens that a stream makes within this time; no bound before one has ended. */
  private double most(Duration within) {
    return streamNanos == 0 ? Long.MAX_VALUE : streamTokens / streamNanos * within.toNanos();
  }

  public synchronized void learnStream(long bytes, long outputTokens, long nanos) {
    if (bytes > 0 && outputTokens > 0) {
      streamBytes = STREAMS_KEPT * streamBytes + bytes;
      streamTokens = STREAMS_KEPT * streamTokens + outputTokens;
      streamNanos = STREAMS_KEPT * streamNanos + Math.max(1, nanos);
      tokensPerStreamByte = streamTokens / streamBytes;
    }
  }

  public synchronized void learn(long textBytes, long inputTokens, long usedOutputTokens) {
    unsent.add(textBytes, inputTokens, usedOutputTokens);
    if (++newSamples >= NEGLIGIBLE * all.samples) {
      compute();
    }
  }

  /** Whether there are samples to send and no merge is in flight. */
  public synchronized boolean hasUnsent() {
    return inFlight == null && !unsent.isEmpty();
  }

  /** The turn of the last send; 0 for never. */
  public long sentAt() {
    return sentAt;
  }

  /** The samples to send in this turn; null for none. */
  public synchronized @Nullable ModelTally send(long turn) {
    if (!hasUnsent()) {
      return null;
    }
    sentAt = turn;
    inFlight = unsent;
    unsent = new ModelTally();
    return inFlight.copy();
  }

  /** The merge succeeded: the fleet's tally includes the samples in flight. */
  public synchronized void merged(ModelTally all) {
    inFlight = null;
    fleet = all;
    compute();
  }

  /** The fleet's tally, when this replica sent nothing of the model. */
  public synchronized void received(ModelTally all) {
    fleet = all;
    compute();
  }

  /** The merge's outcome is unknown: it is not sent again, so it cannot count twice. */
  public synchronized void outcomeUnknown() {
    if (inFlight != null) {
      fleet.add(inFlight);
      inFlight = null;
    }
  }

  /** The samples were not sent. */
  public synchronized void notSent() {
    if (inFlight != null) {
      inFlight.add(unsent);
      unsent = inFlight;
      inFlight = null;
    }
  }

  private void compute() {
    newSamples = 0;
    all.clear();
    all.add(fleet);
    if (inFlight != null) {
      all.add(inFlight);
    }
    all.add(unsent);
    double seen = all.bytes > 0 ? all.tokens / all.bytes : GUESSED_TOKENS_PER_BYTE;
    double ratio =
        (all.samples * seen + GUESSED_INPUTS * GUESSED_TOKENS_PER_BYTE)
            / (all.samples + GUESSED_INPUTS);
    if (Math.abs(ratio - tokensPerByte) > STEADY * tokensPerByte) {
      tokensPerByte = ratio;
    }
    all.outputs[guessedBucket] += GUESSED_OUTPUTS;
    outputs.compute(all.outputs);
    output = outputs.expected(0, most(horizon.get()));
  }
}
