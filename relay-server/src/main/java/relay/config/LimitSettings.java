package relay.config;

import java.util.List;

/** The settings of limits that a section has: of a window and, but for clients, of a day. */
final class LimitSettings {
  private final List<Setting<Long>> ofWindow;
  private final List<Setting<Long>> ofDay;

  private LimitSettings(SchemaNode form, String period, boolean daily) {
    ofWindow =
        List.of(
            limit(form, "rpm_limit", "Requests " + period + "; 0 = not stated"),
            limit(form, "itpm_limit", "Input tokens " + period),
            limit(form, "otpm_limit", "Output tokens " + period),
            limit(form, "tpm_limit", "Input and output tokens " + period));
    ofDay =
        daily
            ? List.of(
                limit(form, "rpd_limit", "Requests a day; 0 = none"),
                limit(form, "tpd_limit", "Input and output tokens a day"))
            : List.of();
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
    List<Long> window = ofWindow.stream().map(limit -> limit.in(section)).toList();
    List<Long> day = ofDay.stream().map(limit -> limit.in(section)).toList();
    return new LimitsConfig(
        window.get(0),
        window.get(1),
        window.get(2),
        window.get(3),
        day.isEmpty() ? 0 : day.get(0),
        day.isEmpty() ? 0 : day.get(1));
  }
}
