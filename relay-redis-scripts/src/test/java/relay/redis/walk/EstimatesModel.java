package relay.redis.walk;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import relay.redis.estimate.OutputBuckets;

/**
 * The fleet's tallies, in the model. Numbers are rounded as in Redis's lines, so most lines are
 * equal to the letter. Where powers round differently, a last digit may differ; the model then
 * continues with the script's value.
 */
final class EstimatesModel {
  private static final double MOST = 1_000; // samples
  private static final double KEPT = 20; // of them, however old
  private static final double HALF_LIFE_S = 6 * 3_600;
  private static final double SHOWN = 0.01; // outputs of a bucket
  private static final double SHARE = 0.9; // of outputs
  private static final Pattern LINE =
      Pattern.compile(
          "tokens_per_kb (?<kb>\\d+) output_p90 (?<p90>\\d+) samples (?<samples>[\\d.]+) [|] bytes"
              + " (?<bytes>\\d+) tokens (?<tokens>\\d+) at (?<at>\\d+) outputs(?<outputs>.*)");

  private static final class Known {
    static final Known NOTHING = new Known(0, 0, 0, 0, new double[OutputBuckets.COUNT]);

    final double samples;
    final double bytes;
    final double tokens;
    final long at;
    private final double[] outputs;

    Known(double samples, double bytes, double tokens, long at, double[] outputs) {
      this.samples = samples;
      this.bytes = bytes;
      this.tokens = tokens;
      this.at = at;
      this.outputs = outputs;
    }

    Known times(double factor) {
      double[] fewer = new double[outputs.length];
      for (int b = 0; b < fewer.length; b++) {
        fewer[b] = outputs[b] * factor;
      }
      return new Known(samples * factor, bytes * factor, tokens * factor, at, fewer);
    }

    Known plus(Known other) {
      double[] both = new double[outputs.length];
      for (int b = 0; b < both.length; b++) {
        both[b] = outputs[b] + other.outputs[b];
      }
      return new Known(
          samples + other.samples, bytes + other.bytes, tokens + other.tokens, at, both);
    }

    /** Samples fade with age, down to a minimum. */
    Known aged(long now) {
      double left = samples * StrictMath.pow(0.5, Math.max(0, now - at) / HALF_LIFE_S);
      double kept = Math.max(left, Math.min(samples, KEPT));
      Known faded = samples > 0 ? times(kept / samples) : this;
      return new Known(faded.samples, faded.bytes, faded.tokens, now, faded.outputs);
    }

    /** As parsed from its line. */
    static Known read(Matcher m) {
      double[] outputs = new double[OutputBuckets.COUNT];
      for (String entry : m.group("outputs").strip().split(" ", -1)) {
        int colon = entry.indexOf(':');
        if (colon > 0) {
          int bucket = Integer.parseInt(entry.substring(0, colon));
          outputs[bucket] = Double.parseDouble(entry.substring(colon + 1));
        }
      }
      return new Known(
          Double.parseDouble(m.group("samples")),
          Double.parseDouble(m.group("bytes")),
          Double.parseDouble(m.group("tokens")),
          Long.parseLong(m.group("at")),
          outputs);
    }

    boolean isNear(Known other) {
      boolean near = Math.abs(samples - other.samples) < 1.1 * SHOWN && at == other.at;
      near &= Math.abs(bytes - other.bytes) < 1.1 && Math.abs(tokens - other.tokens) < 1.1;
      for (int b = 0; b < outputs.length; b++) {
        near &= Math.abs(outputs[b] - other.outputs[b]) < 1.1 * SHOWN;
      }
      return near;
    }

    double tokensPerKb() {
      return bytes > 0 ? tokens * 1024 / bytes : 0;
    }

    /** The length that this share of outputs does not exceed. */
    double quantile(double share) {
      double wanted = 0;
      for (double n : outputs) {
        wanted += n;
      }
      wanted *= share;
      double below = 0;
      for (int b = 0; b < outputs.length; b++) {
        double n = outputs[b];
        if (n >= SHOWN) {
          if (below + n >= wanted) {
            return Math.ceil(StrictMath.pow(2, (b - 1 + (wanted - below) / n) / 4));
          }
          below += n;
        }
      }
      return 0;
    }

    String line() {
      StringBuilder out = new StringBuilder();
      out.append("tokens_per_kb ").append(rounded(tokensPerKb(), 0));
      out.append(" output_p90 ").append(rounded(quantile(SHARE), 0));
      out.append(" samples ").append(rounded(samples, 2)).append(" | bytes ");
      out.append(rounded(bytes, 0)).append(" tokens ").append(rounded(tokens, 0));
      out.append(" at ").append(at).append(" outputs");
      for (int b = 0; b < outputs.length; b++) {
        if (outputs[b] >= SHOWN) {
          out.append(' ').append(b).append(':').append(rounded(outputs[b], 2));
        }
      }
      return out.toString();
    }
  }

  private final Map<String, Known> known = new TreeMap<>();
  private final Map<String, String> lines = new TreeMap<>();

  void flushAll() {
    known.clear();
    lines.clear();
  }

  /** Rounds the exact value, as C's printf, not its shortest decimal text. */
  private static BigDecimal rounded(double number, int places) {
    return new BigDecimal(number).setScale(places, RoundingMode.HALF_EVEN);
  }

  void learn(long now, LearnStep.Learned news) {
    if (news.samples() == 0) {
      return;
    }
    double[] outputs = new double[OutputBuckets.COUNT];
    news.outputs().forEach((bucket, n) -> outputs[bucket] = n);
    Known more = new Known(news.samples(), news.bytes(), news.tokens(), now, outputs);
    if (more.samples > MOST) {
      more = more.times(MOST / more.samples);
    }
    Known before = known.getOrDefault(news.model(), Known.NOTHING).aged(now);
    if (before.samples + more.samples > MOST) {
      before = before.times(Math.max(0, MOST - more.samples) / before.samples);
    }
    Known all = before.plus(more);
    lines.put(news.model(), all.line());
    known.put(news.model(), all);
  }

  /** Takes over a line of the script. */
  void told(String model, String line) {
    Known expected = known.getOrDefault(model, Known.NOTHING);
    Matcher told = LINE.matcher(line);
    if (!told.matches() || !(line.equals(lines.get(model)) || isNear(told, expected))) {
      throw new AssertionError(model + ": expected " + lines.get(model) + ", but " + line);
    }
    lines.put(model, line);
    known.put(model, Known.read(told));
  }

  private static boolean isNear(Matcher told, Known expected) {
    double output = Double.parseDouble(told.group("p90"));
    boolean kb = Math.abs(expected.tokensPerKb() - Double.parseDouble(told.group("kb"))) < 1.1;
    // at a bucket's end, the next bucket is equally right
    boolean p90 =
        Math.abs(expected.quantile(SHARE - 1e-9) - output) < 1.1
            || Math.abs(expected.quantile(SHARE + 1e-9) - output) < 1.1;
    return kb && p90 && Known.read(told).isNear(expected);
  }

  /** The lines in Redis, one per model. */
  Map<String, String> stored() {
    return lines;
  }
}
