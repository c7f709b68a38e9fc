package relay.config;

import static relay.config.SchemaNode.section;

import relay.config.LoggingConfig.Format;
import relay.config.LoggingConfig.Level;

/** Reads {@code logging}. */
final class LoggingSection {
  static final SchemaNode FORM = section("The log, on standard error");
  private static final Setting<Level> LEVEL =
      FORM.choice("level", Level.INFO, "From quiet to talkative");
  private static final Setting<Format> FORMAT =
      FORM.choice(
          "format",
          Format.AUTO,
          "json: an object a line. text: for people. auto: text on a terminal");
  private static final Setting<Boolean> REQUESTS =
      FORM.flag("requests", true, "A line for each request, at level info");
  private static final Setting<Double> REQUESTS_RATIO =
      FORM.ratio(
          "requests_ratio",
          1,
          "The share of the requests that get a line; those with a 5xx always do");

  private LoggingSection() {}

  static LoggingConfig read(Section logging) {
    LoggingConfig config =
        new LoggingConfig(
            LEVEL.in(logging),
            FORMAT.in(logging),
            REQUESTS.in(logging),
            REQUESTS_RATIO.in(logging));
    logging.done();
    return config;
  }
}
