package relay.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import relay.trial.Style.Glyphs;
import relay.trial.load.PoolView;
import relay.trial.load.PoolView.Group;
import relay.trial.load.PoolView.Usage;

class ScreenTest {
  private static final Screen.Moment MOMENT =
      new Screen.Moment(
          "saturated, measuring",
          14,
          25,
          new PoolView(
              List.of(
                  new Group(
                      "acme",
                      new Usage(500, 500),
                      new Usage(148_750, 200_000),
                      new Usage(19_960, 40_000),
                      3,
                      0),
                  new Group(
                      "a-very-long-account",
                      new Usage(0, 600),
                      new Usage(950, 130_000),
                      new Usage(0, 0),
                      0,
                      1500))),
          List.of(187L, 186L),
          5120,
          0,
          1204);

  @Test
  void draws_every_group_and_limit_aligned() {
    Style plain = new Style(false, Glyphs.UNICODE, 80);
    assertEquals(
        """

          relay try  saturated, measuring                                 14 s of 25 s

          acme       requests  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━    500 / 500
                     input     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━───────────  148k / 200k
          3 open     output    ━━━━━━━━━━━━━━━━━━━━━─────────────────────    19k / 40k

          a-very-lon requests  ──────────────────────────────────────────      0 / 600
                     input     ╸─────────────────────────────────────────   950 / 130k
          cooling    output    ──────────────────────────────────────────            -

          replica 1         187/s   replica 2         186/s   in flight              3
          provider 429s         0   relay 429s        1,204   granted            5,120

        """,
        String.join("\n", new Screen(plain).draw(MOMENT)) + "\n");
  }

  @Test
  void uses_nothing_but_ascii_where_nothing_else_can_be_shown() {
    Style ascii = Style.of(Map.of(), true, StandardCharsets.US_ASCII);
    String drawn = String.join("\n", new Screen(ascii).draw(MOMENT));
    assertTrue(StandardCharsets.US_ASCII.newEncoder().canEncode(drawn), drawn);
  }

  @Test
  void colours_change_nothing_but_the_colour() {
    Style colour = new Style(true, Glyphs.UNICODE, 80);
    Style plain = new Style(false, Glyphs.UNICODE, 80);
    String coloured = String.join("\n", new Screen(colour).draw(MOMENT));
    assertTrue(coloured.contains("\u001b[32m━"), "a full limit is green");
    assertEquals(
        String.join("\n", new Screen(plain).draw(MOMENT)),
        coloured.replaceAll("\u001b\\[\\d+m", ""));
  }

  @Test
  void no_line_is_wider_than_the_terminal() {
    for (int width : new int[] {72, 80, 100}) {
      Style style = new Style(false, Glyphs.UNICODE, width);
      for (String line : new Screen(style).draw(MOMENT)) {
        assertTrue(line.length() <= width, width + ": " + line);
      }
    }
  }

  @Test
  void is_one_line_where_nothing_can_be_redrawn() {
    assertEquals(
        "   14 s  acme 100 %  a-very-long-account   1 %  373/s  429s: provider 0, relay 1,204",
        new Screen(new Style(false, Glyphs.UNICODE, 80)).line(MOMENT));
  }

  @Test
  void style_follows_the_environment() {
    assertEquals(
        new Style(true, Glyphs.UNICODE, 80), Style.of(Map.of(), true, StandardCharsets.UTF_8));
    assertEquals(
        new Style(false, Glyphs.UNICODE, 72),
        Style.of(Map.of("NO_COLOR", "1", "COLUMNS", "9"), true, StandardCharsets.UTF_8));
    assertEquals(
        new Style(false, Glyphs.UNICODE, 100),
        Style.of(Map.of("COLUMNS", "300"), false, StandardCharsets.UTF_8));
  }
}
