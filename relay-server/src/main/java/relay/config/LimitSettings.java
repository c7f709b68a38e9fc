package relay.config;

import org.jspecify.annotations.Nullable;

/** The settings of limits that a section has: of a window and, but for clients, of a day. */
final class LimitSettings {
  private final Setting<Long> requests;
  private final Setting<Long> input;
  private final Setting<Long> output;
  private final Setting<Long> tokens;
  private final @Nullable Setting<Long> requestsOfDay;
  private final @Nullable Setting<Long> tokensOfDay;

  private LimitSettings(SchemaNode form, String period, boolean daily) {
    requests = limit(form, "rpm_limit", "Requests " + period + "; 0 = not stated");
    input = limit(form, "itpm_limit", "Input tokens " + period);
    output = limit(form, "otpm_limit", "Output tokens " + period);
    tokens = limit(form, "tpm_limit", "Input and output tokens " + period);
    requestsOfDay = daily ? limit(form, "rpd_limit", "Requests a day; 0 = none") : null;
    tokensOfDay = daily ? limit(form, "tpd_limit", "Input and output tokens a day") : null;
  }

  /** Declares a client's. */
  static LimitSettings ofClient(SchemaNode form) {
    return new LimitSettings(form, "a minute, over all replicas", false);
  }

  /** Declares those of a key or workspace, or of a class there. */
  static LimitSettings ofQuota(SchemaNode form) {
    return new LimitSettings(form, "a window", true);
  }

  private static Setting<Long> limit(SchemaNode form, String name, String text) {
    return form.whole(name, 0L, 0L, LimitsConfig.MAX, text);
  }

  /** The limits stated directly in a section. */
  LimitsConfig in(Section section) {
    return new LimitsConfig(
        requests.in(section),
        input.in(section),
        output.in(section),
        tokens.in(section),
        requestsOfDay == null ? 0 : requestsOfDay.in(section),
        tokensOfDay == null ? 0 : tokensOfDay.in(section));
  }
}
