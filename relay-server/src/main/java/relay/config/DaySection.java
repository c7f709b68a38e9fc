package relay.config;

import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;

import java.time.DateTimeException;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig.DayStart;

/** Reads {@code day}: when a day of the calendar begins. */
final class DaySection {
  static final Pattern TIME = Pattern.compile("([01][0-9]|2[0-3]):[0-5][0-9]");
  private static final String TIME_FORM = "hours and minutes in quotes, such as \"00:00\"";
  private static final String ZONE_FORM = "the name of a time zone, such as America/Los_Angeles";

  static final SchemaNode FORM =
      section("When a day of rpd_limit and tpd_limit begins; absent = any 24 hours count");
  private static final String STARTS =
      FORM.declare("starts", text("A time of day", TIME).example("00:00"));
  private static final String ZONE =
      FORM.declare("zone", text("A time zone").example("America/Los_Angeles"));

  private DaySection() {}

  static DayStart read(Section day) {
    DayStart read = new DayStart(starts(day.take(STARTS)), zone(day.take(ZONE)));
    day.done();
    return read;
  }

  private static LocalTime starts(@Nullable Value value) {
    String text =
        value == null
            ? null
            : TextSettings.matching(value, TIME, "is not a time of day", TIME_FORM);
    return text == null ? LocalTime.MIDNIGHT : LocalTime.parse(text);
  }

  private static ZoneId zone(@Nullable Value value) {
    Value.Scalar scalar = value == null ? null : value.text(ZONE_FORM);
    if (value == null || scalar == null) {
      return ZoneOffset.UTC;
    }
    try {
      return ZoneId.of(scalar.text());
    } catch (DateTimeException e) {
      value.refuse("is not a time zone", ZONE_FORM);
      return ZoneOffset.UTC;
    }
  }
}
