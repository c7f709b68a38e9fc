package relay.config;

import static relay.config.SchemaNode.flag;
import static relay.config.SchemaNode.number;
import static relay.config.SchemaNode.ratio;
import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;
import static relay.config.SchemaNode.whole;
import static relay.config.SchemaNode.words;

/** The schema of {@code pooling}. */
final class PoolingSchema {
  private PoolingSchema() {}

  static SchemaNode pooling() {
    ProviderConfig.Pooling none = ProviderConfig.Pooling.DEFAULT;
    return section("How capacity is handed out")
        .with("strategy", words("Which key carries a request", none.strategy()))
        .with(
            "affinity",
            words("session: a conversation stays on the account of its cache", none.affinity()))
        .with(
            "max_wait_ms",
            whole(
                "Hold a request this long for capacity before a 429",
                0,
                0,
                ProviderSection.MAX_WAIT_MS))
        .with(
            "window_ms",
            whole(
                "Length of the limits' window",
                none.window().toMillis(),
                ProviderSection.MIN_WINDOW_MS,
                ProviderSection.MAX_WINDOW_MS))
        .with(
            "accounting",
            words(
                "auto: sliding_window until a group's answers prove token_bucket, which mirrors a"
                    + " provider's own",
                none.accounting()))
        .with(
            "burst_ratio",
            ratio("How much of a limit an idle group may take at once", none.burstRatio()))
        .with(
            "enforce",
            flag("false: limits are counted and logged, and refuse nothing", none.enforce()))
        .with(
            "headroom",
            section("The share of each limit that lower priorities leave free")
                .with(
                    "interactive",
                    number("For interactive requests", 0, ProviderSection.MAX_HEADROOM))
                .with("standard", number("For standard requests", 0, ProviderSection.MAX_HEADROOM)))
        .with(
            "floor",
            number(
                "The share of each limit that batch requests get before all others, who get less",
                none.floor(),
                ProviderSection.MAX_FLOOR))
        .with(
            "day",
            section("When a day of rpd_limit and tpd_limit begins; absent = any 24 hours count")
                .with("starts", text("A time of day", DaySection.TIME).example("00:00"))
                .with("zone", text("A time zone").example("America/Los_Angeles")));
  }
}
