package relay.redis.model;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A request's demand on a key.
 *
 * @param modelClass one of the plan's model classes
 * @param kind of requests of the class that an account may refuse alone, as {@code KeyPool.kind}
 *     has it; empty for none
 * @param inputTokens input tokens to reserve
 * @param outputTokens output tokens to reserve: the mean of what to expect
 * @param outputSpread their standard deviation, or {@link #AT_ADMISSION} if the provider charges
 *     the output at admission. Of one pool either all demands have a spread or none
 * @param avoid ids of keys to use only as a last resort, such as those already tried
 * @param session id of a conversation, empty for none. A conversation stays on the account that
 *     served it last, and so keeps its prompt cache, while that account has capacity. Up to 64
 *     letters, digits, {@code -} and {@code _}
 * @param pinned hashes of what the request names and only the account knows that made it, as {@code
 *     Pins} has them. It is served by that account or waits, whatever others could do
 * @param key id of the only key to use, empty for any. A pool of limits, for instance, has one key
 *     per limit
 * @param cost what to reserve of that key's budgets, in billionths of a dollar
 * @param share whose it is; null if clients have no shares of the pool. Of one pool either all
 *     demands have one or none
 * @param lasting how its lease lasts; null if that ends with the answer to a request of this
 *     process
 */
public record Demand(
    String modelClass,
    String kind,
    long inputTokens,
    long outputTokens,
    long outputSpread,
    Set<String> avoid,
    String session,
    List<String> pinned,
    String key,
    long cost,
    @Nullable Share share,
    @Nullable Lasting lasting) {
  /** No spread: the provider charges the output at admission, whatever is made of it. */
  public static final long AT_ADMISSION = -1;

  /** The most ids of a demand that are looked up. */
  public static final int MOST_PINNED = 8;

  private static final int MOST_LETTERS = 64;
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{32}");

  public Demand {
    avoid = Set.copyOf(avoid);
    pinned = List.copyOf(pinned);
    if (!pinned.isEmpty()) {
      check(pinned);
    }
    if (!isSession(session)) {
      throw new IllegalArgumentException("a session has up to 64 letters, digits, - and _");
    }
    if (inputTokens < 0 || outputTokens < 0) {
      throw new IllegalArgumentException("a demand must not be negative");
    }
    inputTokens = Math.min(inputTokens, Limits.MAX);
    outputTokens = Math.min(outputTokens, Limits.MAX);
    outputSpread = Math.clamp(outputSpread, AT_ADMISSION, Limits.MAX);
  }

  private static void check(List<String> pinned) {
    if (pinned.size() > MOST_PINNED
        || !pinned.stream().allMatch(text -> HASH.matcher(text).matches())) {
      throw new IllegalArgumentException("at most " + MOST_PINNED + " hashes");
    }
  }

  private static boolean isSession(String id) {
    for (int n = 0; n < id.length(); n++) {
      char c = id.charAt(n);
      boolean letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
      if (!letter && (c < '0' || c > '9') && c != '-' && c != '_') {
        return false;
      }
    }
    return id.length() <= MOST_LETTERS;
  }

  /** A demand without a conversation, for any key. */
  public static Demand of(String modelClass, long inputTokens, long outputTokens) {
    return new Demand(
        modelClass,
        "",
        inputTokens,
        outputTokens,
        AT_ADMISSION,
        Set.of(),
        "",
        List.of(),
        "",
        0,
        null,
        null);
  }

  /** The same demand, for a lease that its holder ends; null for one of this process. */
  public Demand lasting(@Nullable Lasting how) {
    Draft draft = new Draft(this);
    draft.lasting = how;
    return draft.demand();
  }

  /** The requests that it is for. */
  public int requests() {
    return lasting == null ? 1 : lasting.requests();
  }

  /** The same demand with an output that is unknown at admission: its tokens are the mean. */
  public Demand comingWith(long spread) {
    Draft draft = new Draft(this);
    draft.outputSpread = spread;
    return draft.demand();
  }

  /** The same demand, for a conversation. */
  public Demand inSession(String id) {
    Draft draft = new Draft(this);
    draft.session = id;
    return draft.demand();
  }

  /** The same demand, of another model class. */
  public Demand in(String otherClass) {
    Draft draft = new Draft(this);
    draft.modelClass = otherClass;
    return draft.demand();
  }

  /** The same demand, of a kind that accounts may refuse alone; empty for none. */
  public Demand ofKind(String one) {
    if (one.equals(kind)) {
      return this;
    }
    Draft draft = new Draft(this);
    draft.kind = one;
    return draft.demand();
  }

  /** A text that is equal for demands that may share a call and wait in one line. */
  public String alike() {
    return kind.isEmpty() ? modelClass : PoolPlan.subQuota(modelClass, kind);
  }

  /** The same demand, which only the account can serve that made what these hashes name. */
  public Demand pinnedTo(List<String> hashes) {
    if (hashes.equals(pinned)) {
      return this;
    }
    Draft draft = new Draft(this);
    draft.pinned = hashes;
    return draft.demand();
  }

  /** The same demand, for this key only. */
  public Demand on(String id) {
    Draft draft = new Draft(this);
    draft.avoid = Set.of();
    draft.key = id;
    return draft.demand();
  }

  /** The same demand, with this cost in billionths of a dollar. */
  public Demand costing(long nanodollars) {
    Draft draft = new Draft(this);
    draft.cost = Math.clamp(nanodollars, 0, Limits.MAX);
    return draft.demand();
  }

  /** The same demand, of a client that has this share; with null it takes no place in the order. */
  public Demand sharing(@Nullable Share whose) {
    Draft draft = new Draft(this);
    draft.share = whose;
    return draft.demand();
  }

  /** The same demand, which waits for its turn for this time, if clients have shares. */
  public Demand waiting(String ticket, long millis) {
    return share == null ? this : sharing(share.waiting(ticket, millis));
  }

  /** The same demand, avoiding these keys while others can serve it. */
  public Demand avoiding(Set<String> keys) {
    Draft draft = new Draft(this);
    draft.avoid = keys;
    return draft.demand();
  }

  /** A copy of a demand, to be changed. */
  private static final class Draft {
    String modelClass;
    String kind;
    final long inputTokens;
    final long outputTokens;
    long outputSpread;
    Set<String> avoid;
    String session;
    List<String> pinned;
    String key;
    long cost;
    @Nullable Share share;
    @Nullable Lasting lasting;

    Draft(Demand demand) {
      modelClass = demand.modelClass;
      kind = demand.kind;
      inputTokens = demand.inputTokens;
      outputTokens = demand.outputTokens;
      outputSpread = demand.outputSpread;
      avoid = demand.avoid;
      session = demand.session;
      pinned = demand.pinned;
      key = demand.key;
      cost = demand.cost;
      share = demand.share;
      lasting = demand.lasting;
    }

    Demand demand() {
      return new Demand(
          modelClass,
          kind,
          inputTokens,
          outputTokens,
          outputSpread,
          avoid,
          session,
          pinned,
          key,
          cost,
          share,
          lasting);
    }
  }
}
