package relay.redis;

import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import relay.redis.estimate.LearnedModel;
import relay.redis.estimate.ModelTally;
import relay.redis.estimate.OutputPriors;
import relay.redis.model.ExpectedOutput;

/**
 * Token estimates per model, learned from settled requests: input tokens per byte of text, and the
 * mean of output tokens. A {@link KeyPool} shares its estimates with the other replicas about once
 * a second. Without Redis, or created by the constructor, they are learned locally.
 *
 * <p>The input ratio is learned from <em>charged</em> tokens, so it includes the savings of a
 * provider's cache. Bounded: models beyond {@value #MODELS} share one estimate. Thread-safe; no
 * method blocks.
 */
public final class Estimates {
  private static final int MODELS = 500;

  /** Models per merge. A merge takes Redis 0.1 ms per model. */
  private static final int MERGE_BATCH = 4;

  private static final Duration WHOLE = Duration.ofDays(365);

  private final Map<String, LearnedModel> models = new ConcurrentHashMap<>();
  private final AtomicLong turns = new AtomicLong();
  private final LearnedModel overflow;
  private final LearnedModel unseen;
  private final Supplier<Duration> horizon;

  /** Creates estimates that are not shared, of whole outputs. */
  public Estimates() {
    this(() -> WHOLE);
  }

  /**
   * Estimates only the output that streams make within the horizon, a pool's window. Output that is
   * made later counts when the present usage has left the window, so it is not reserved now.
   */
  public Estimates(Supplier<Duration> horizon) {
    this.horizon = horizon;
    overflow = model("");
    unseen = model("");
  }

  private LearnedModel model(String name) {
    return new LearnedModel(OutputPriors.of(name), horizon);
  }

  /**
   * Estimates the input tokens that a request will be charged; at least 1.
   *
   * @param textBytes bytes of text that the model will read
   */
  public long inputTokens(String model, long textBytes) {
    return 1 + (long) Math.ceil(textBytes * known(model).tokensPerByte());
  }

  /** The output to expect of a model's request. */
  public ExpectedOutput output(String model) {
    LearnedModel known = known(model);
    if (known == unseen) {
      long guessed = OutputPriors.of(model);
      return new ExpectedOutput(guessed, guessed);
    }
    return known.output();
  }

  /**
   * The output to expect of a model's request that has made some of it, with what was made.
   *
   * @param within what the request makes later than this is not expected
   */
  public ExpectedOutput output(String model, long made, Duration within) {
    return known(model).output(made, within);
  }

  /**
   * Estimates the output tokens in {@code streamBytes} of a model's stream. Returns 0 until a
   * stream of the model has ended in this process.
   */
  public long streamedTokens(String model, long streamBytes) {
    return Math.round(streamBytes * known(model).tokensPerStreamByte());
  }

  /**
   * Learns from a stream that has ended: all its bytes and its output tokens.
   *
   * @param nanos its time; 0 if its output counts whole, whenever it is made
   */
  public void learnStream(String model, long streamBytes, long outputTokens, long nanos) {
    of(model).learnStream(streamBytes, outputTokens, nanos);
  }

  /**
   * Learns from a request that has ended.
   *
   * @param textBytes bytes of text as estimated; 0 to learn nothing from its input
   * @param inputTokens charged input tokens
   * @param outputTokens produced output tokens
   */
  public void learn(String model, long textBytes, long inputTokens, long outputTokens) {
    of(model).learn(textBytes, inputTokens, outputTokens);
  }

  private LearnedModel known(String model) {
    LearnedModel known = models.get(model);
    return known != null ? known : models.size() < MODELS ? unseen : overflow;
  }

  private LearnedModel of(String model) {
    LearnedModel known = models.get(model);
    if (known != null) {
      return known;
    }
    return models.size() < MODELS ? models.computeIfAbsent(model, this::model) : overflow;
  }

  /** The samples to send now: of a few models, those that were sent least recently. */
  Map<String, ModelTally> send() {
    Map<String, ModelTally> sent = new HashMap<>();
    long turn = turns.incrementAndGet();
    models.entrySet().stream()
        .filter(entry -> entry.getValue().hasUnsent())
        .sorted(Comparator.comparingLong(entry -> entry.getValue().sentAt()))
        .limit(MERGE_BATCH)
        .forEach(
            entry -> {
              ModelTally tally = entry.getValue().send(turn);
              if (tally != null) {
                sent.put(entry.getKey(), tally);
              }
            });
    return sent;
  }

  /** Takes the fleet's tallies of the sent models and of others. */
  void merged(Map<String, ModelTally> sent, Map<String, ModelTally> known) {
    known.forEach(
        (model, all) -> {
          if (sent.containsKey(model)) {
            of(model).merged(all);
          } else if (models.containsKey(model) || models.size() < MODELS) {
            of(model).received(all);
          }
        });
    sent.keySet().stream()
        .filter(model -> !known.containsKey(model))
        .forEach(m -> of(m).outcomeUnknown());
  }

  /** It is unknown whether the merge arrived. */
  void outcomeUnknown(Map<String, ModelTally> sent) {
    sent.keySet().forEach(model -> of(model).outcomeUnknown());
  }

  /** The merge did not arrive. */
  void notSent(Map<String, ModelTally> sent) {
    sent.keySet().forEach(model -> of(model).notSent());
  }
}
