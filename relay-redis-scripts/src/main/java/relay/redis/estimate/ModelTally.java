package relay.redis.estimate;

import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The usage of a model's requests: sums, and a histogram of outputs. Old samples fade: together
 * they weigh at most {@value #MOST_SAMPLES}. Not thread-safe.
 */
public final class ModelTally {
  static final double MOST_SAMPLES = 1_000;

  /** A larger ratio is treated as a reporting error, because it would distort the sum for long. */
  private static final double MOST_TOKENS_PER_BYTE = 10;

  private static final Pattern LINE =
      Pattern.compile(
          ".* samples (\\d{1,4}(?:\\.\\d+)?) \\| bytes (\\d{1,15}) tokens (\\d{1,15}) at \\d+"
              + " outputs((?: \\d{1,2}:\\d{1,4}(?:\\.\\d+)?)*)");

  public double samples;
  public double bytes;
  public double tokens;
  public final double[] outputs = new double[OutputBuckets.COUNT];

  boolean isEmpty() {
    return samples == 0;
  }

  public void add(long textBytes, long inputTokens, long outputTokens) {
    fade(keep(samples, 1));
    samples++;
    if (textBytes > 0) {
      bytes += textBytes;
      tokens += Math.clamp((double) inputTokens, 0, MOST_TOKENS_PER_BYTE * textBytes);
    }
    outputs[OutputBuckets.of(Math.max(1, outputTokens))]++;
  }

  public void add(ModelTally later) {
    fade(keep(samples, later.samples));
    samples += later.samples;
    bytes += later.bytes;
    tokens += later.tokens;
    for (int b = 0; b < outputs.length; b++) {
      outputs[b] += later.outputs[b];
    }
  }

  void clear() {
    samples = 0;
    bytes = 0;
    tokens = 0;
    Arrays.fill(outputs, 0);
  }

  public ModelTally copy() {
    ModelTally copy = new ModelTally();
    copy.add(this);
    return copy;
  }

  /** The factor by which old samples are scaled when new ones arrive. */
  private static double keep(double old, double added) {
    return old + added <= MOST_SAMPLES ? 1 : Math.max(0, MOST_SAMPLES - added) / old;
  }

  private void fade(double part) {
    if (part < 1) {
      samples *= part;
      bytes *= part;
      tokens *= part;
      for (int b = 0; b < outputs.length; b++) {
        outputs[b] *= part;
      }
    }
  }

  /** The outputs in the script's format: {@code bucket:count}, separated by commas. */
  public String outputsText() {
    StringBuilder out = new StringBuilder();
    for (int b = 0; b < outputs.length; b++) {
      long count = Math.round(outputs[b]);
      if (count > 0) {
        out.append(out.isEmpty() ? "" : ",").append(b).append(':').append(count);
      }
    }
    return out.toString();
  }

  /** Parses the line that Redis holds; empty if the line is malformed. */
  public static Optional<ModelTally> read(String line) {
    Matcher m = LINE.matcher(line);
    if (!m.matches()) {
      return Optional.empty();
    }
    ModelTally tally = new ModelTally();
    tally.samples = Double.parseDouble(m.group(1));
    tally.bytes = Double.parseDouble(m.group(2));
    tally.tokens = Double.parseDouble(m.group(3));
    for (String entry : m.group(4).strip().split(" ", -1)) {
      int colon = entry.indexOf(':');
      int bucket = colon < 0 ? OutputBuckets.COUNT : Integer.parseInt(entry.substring(0, colon));
      if (bucket < OutputBuckets.COUNT) {
        tally.outputs[bucket] = Double.parseDouble(entry.substring(colon + 1));
      }
    }
    return Optional.of(tally);
  }
}
