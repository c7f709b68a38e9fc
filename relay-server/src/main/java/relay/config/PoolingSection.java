package relay.config;

import static relay.config.SchemaNode.section;

import java.time.Duration;
import relay.config.ProviderConfig.Accounting;
import relay.config.ProviderConfig.Affinity;
import relay.config.ProviderConfig.DayStart;
import relay.config.ProviderConfig.Pooling;
import relay.config.ProviderConfig.Strategy;

/** Reads {@code pooling}: how a pool's capacity is handed out. */
final class PoolingSection {
  static final int MAX_WAIT_MS = 86_400_000;
  static final int MIN_WINDOW_MS = 500;
  static final int MAX_WINDOW_MS = 86_400_000;
  static final double MAX_HEADROOM = 0.4;
  static final double MAX_FLOOR = 0.5;

  private static final Pooling OTHERWISE = Pooling.DEFAULT;
  static final SchemaNode FORM = section("How capacity is handed out");
  private static final Setting<Strategy> STRATEGY =
      FORM.choice("strategy", OTHERWISE.strategy(), "Which key carries a request");
  private static final Setting<Affinity> AFFINITY =
      FORM.choice(
          "affinity",
          OTHERWISE.affinity(),
          "session: a conversation stays on the account of its cache");
  private static final Setting<Duration> MAX_WAIT =
      FORM.time(
          "max_wait_ms", 0, 0, MAX_WAIT_MS, "Hold a request this long for capacity before a 429");
  private static final Setting<Duration> WINDOW =
      FORM.time(
          "window_ms",
          Math.toIntExact(OTHERWISE.window().toMillis()),
          MIN_WINDOW_MS,
          MAX_WINDOW_MS,
          "Length of the limits' window");
  private static final Setting<Accounting> ACCOUNTING =
      FORM.choice(
          "accounting",
          OTHERWISE.accounting(),
          "auto: sliding_window until a group's answers prove token_bucket, which mirrors a"
              + " provider's own");
  private static final Setting<Double> BURST_RATIO =
      FORM.ratio(
          "burst_ratio",
          OTHERWISE.burstRatio(),
          "How much of a limit an idle group may take at once");
  private static final Setting<Boolean> ENFORCE =
      FORM.flag(
          "enforce",
          OTHERWISE.enforce(),
          "false: limits are counted and logged, and refuse nothing");

  private static final SchemaNode HEADROOM_FORM =
      section("The share of each limit that lower priorities leave free");
  private static final Setting<Double> INTERACTIVE =
      HEADROOM_FORM.number("interactive", 0, MAX_HEADROOM, "For interactive requests");
  private static final Setting<Double> STANDARD =
      HEADROOM_FORM.number("standard", 0, MAX_HEADROOM, "For standard requests");
  private static final String HEADROOM = FORM.declare("headroom", HEADROOM_FORM);

  private static final Setting<Double> FLOOR =
      FORM.number(
          "floor",
          OTHERWISE.floor(),
          MAX_FLOOR,
          "The share of each limit that batch requests get before all others, who get less");
  private static final String DAY = FORM.declare("day", DaySection.FORM);

  private PoolingSection() {}

  static Pooling read(Section pooling) {
    // Suggestions list names in the order of the calls.
    Strategy strategy = STRATEGY.in(pooling);
    Affinity affinity = AFFINITY.in(pooling);
    Accounting accounting = ACCOUNTING.in(pooling);
    Duration maxWait = MAX_WAIT.in(pooling);
    Duration window = WINDOW.in(pooling);
    double burstRatio = BURST_RATIO.in(pooling);
    boolean enforce = ENFORCE.in(pooling);
    Section headroom = pooling.section(HEADROOM);
    double interactive = INTERACTIVE.in(headroom);
    double standard = STANDARD.in(headroom);
    headroom.done();
    double floor = FLOOR.in(pooling);
    DayStart day = pooling.take(DAY) == null ? null : DaySection.read(pooling.section(DAY));
    pooling.done();
    return new Pooling(
        strategy,
        affinity,
        maxWait,
        window,
        accounting,
        burstRatio,
        enforce,
        interactive,
        standard,
        floor,
        day);
  }
}
