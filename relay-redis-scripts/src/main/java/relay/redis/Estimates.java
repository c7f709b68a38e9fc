package relay.redis;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What requests use, per model, learned from those that were settled: input tokens for a byte of
 * text, and the 90th percentile of output. A {@link KeyPool} shares its own with the other replicas
 * about once a second. Without Redis, and made by the constructor, it learns alone.
 *
 * <p>Input is learned as it is <em>charged</em>, so the ratio covers what a provider's cache
 * spares. Bounded: models beyond {@value #MODELS} share one estimate. Thread-safe; nothing blocks.
 */
public final class Estimates {
  private static final int MODELS = 500;

  /** A merge keeps Redis busy for 0.1 ms a model. */
  private static final int SENT_TOGETHER = 4;

  private final Map<String, LearnedModel> models = new ConcurrentHashMap<>();
  private final AtomicLong turns = new AtomicLong();
  private final LearnedModel others = new LearnedModel();
  private final LearnedModel unheardOf = new LearnedModel();

  /** Estimates that nobody shares. */
  public Estimates() {}

  /**
   * Input tokens of a request, as they will probably be charged; at least 1.
   *
   * @param textBytes bytes of text that the model will read
   */
  public long inputTokens(String model, long textBytes) {
    return 1 + (long) Math.ceil(textBytes * known(model).tokensPerByte());
  }

  /** Output tokens that nine in ten requests of a model do not exceed; at least 1. */
  public long outputTokens(String model) {
    return Math.max(1, (long) Math.ceil(known(model).outputTokens()));
  }

  /**
   * Learns from a request that has ended.
   *
   * @param textBytes as they were estimated; 0 if its input teaches nothing
   * @param inputTokens what was charged of the input
   * @param outputTokens what was produced
   */
  public void learn(String model, long textBytes, long inputTokens, long outputTokens) {
    of(model).learn(textBytes, inputTokens, outputTokens);
  }

  private LearnedModel known(String model) {
    LearnedModel known = models.get(model);
    return known != null ? known : models.size() < MODELS ? unheardOf : others;
  }

  private LearnedModel of(String model) {
    LearnedModel known = models.get(model);
    if (known != null) {
      return known;
    }
    return models.size() < MODELS ? models.computeIfAbsent(model, m -> new LearnedModel()) : others;
  }

  /** What the fleet is to be told now: of a few models, those that waited longest for it. */
  Map<String, ModelTally> send() {
    Map<String, ModelTally> sent = new HashMap<>();
    long turn = turns.incrementAndGet();
    models.entrySet().stream()
        .filter(entry -> entry.getValue().hasNews())
        .sorted(Comparator.comparingLong(entry -> entry.getValue().sentAt()))
        .limit(SENT_TOGETHER)
        .forEach(
            entry -> {
              ModelTally tally = entry.getValue().send(turn);
              if (tally != null) {
                sent.put(entry.getKey(), tally);
              }
            });
    return sent;
  }

  /** The fleet's answer, to what was sent and of other models. */
  void merged(Map<String, ModelTally> sent, Map<String, ModelTally> known) {
    known.forEach(
        (model, all) -> {
          if (sent.containsKey(model)) {
            of(model).merged(all);
          } else if (models.containsKey(model) || models.size() < MODELS) {
            of(model).told(all);
          }
        });
    sent.keySet().stream().filter(model -> !known.containsKey(model)).forEach(m -> of(m).lost());
  }

  /** Whether it arrived is not known. */
  void lost(Map<String, ModelTally> sent) {
    sent.keySet().forEach(model -> of(model).lost());
  }

  /** It did not arrive. */
  void unsent(Map<String, ModelTally> sent) {
    sent.keySet().forEach(model -> of(model).unsent());
  }
}
