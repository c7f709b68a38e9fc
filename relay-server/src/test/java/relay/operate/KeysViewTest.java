package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KeysViewTest {
  private static final TerminalFeatures PLAIN = TerminalFeatures.file(true);
  private static final String STATE =
      """
      {"pools":[{"name":"anthropic","strategy":"least_loaded","accounting":"sliding_window","window_ms":60000,
      "next_capacity_ms":1500,"groups":[
      {"id":"acme/default","account":"acme","model_class":"default",
       "limits":{"rpm":50,"itpm":30000,"otpm":8000,"tpm":null},"learned":{},
       "used":{"rpm":50,"itpm":8100,"otpm":900,"tpm":9000},"in_flight":3,"cooldown_ms":0},
      {"id":"b/default","account":"b","model_class":"default",
       "limits":{"rpm":null,"itpm":null,"otpm":null,"tpm":null},"learned":{},
       "used":{"rpm":1,"itpm":2,"otpm":3,"tpm":5},"in_flight":0,"cooldown_ms":61000}],
      "keys":[
      {"id":"acme-1","account":"acme","status":"active","reason":null,"cooldown_ms":0,"in_flight":3,
       "max_concurrent":4,"priority":1,"weight":1},
      {"id":"b-1","account":"b","status":"quarantined","reason":"401","cooldown_ms":0,"in_flight":0,
       "max_concurrent":0,"priority":1,"weight":1}]}]}
      """;

  /** Returns one state after the other; an empty one stands for a silent Redis. */
  private static final class Scripted implements PoolsAccess {
    private final Deque<String> states;

    Scripted(String... states) {
      this.states = new ArrayDeque<>(List.of(states));
    }

    @Override
    public String json() throws OperationFailed {
      String state = states.removeFirst();
      if (state.isEmpty()) {
        throw OperationFailed.atRunTime("Redis does not answer");
      }
      return state;
    }

    @Override
    public void cooldown(String pool, String key, Duration duration) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void quarantine(String pool, String key, String words) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void restore(String pool, String key) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }

  private static BooleanSupplier times(int pictures) {
    Deque<Boolean> answers = new ArrayDeque<>();
    for (int n = 1; n < pictures; n++) {
      answers.add(true);
    }
    answers.add(false);
    return answers::removeFirst;
  }

  private static String shown(
      TerminalFeatures terminal, PoolsAccess pools, int pictures, boolean watch, boolean json)
      throws OperationFailed {
    return shown(terminal, pools, KeysFilter.ALL, pictures, watch, json);
  }

  private static String shown(
      TerminalFeatures terminal,
      PoolsAccess pools,
      KeysFilter filter,
      int pictures,
      boolean watch,
      boolean json)
      throws OperationFailed {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream to = new PrintStream(out, true, StandardCharsets.UTF_8);
    new KeysView(pools, to, terminal, filter, times(pictures)).run(watch, json);
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void the_table_is_aligned() throws Exception {
    assertEquals(
        """
        anthropic  (least_loaded, window 1 m, capacity in 1.5 s)
          group         rpm                itpm                    otpm                  in flight  cooldown
          acme/default  ██████████  50/50  ██░░░░░░░░  8100/30000  █░░░░░░░░░  900/8000  3          -
          b/default                 1/-                2/-                     3/-       0          1 m 1 s

          key     account  status       in flight  cooldown  reason
          acme-1  acme     active       3/4        -
          b-1     b        quarantined  0          -         401
        """,
        shown(PLAIN, new Scripted(STATE), 1, false, false));
  }

  @Test
  void a_breaker_that_is_not_closed_is_shown_after_the_capacity() throws Exception {
    String open =
        STATE.replace(
            "\"groups\"", "\"breaker\":{\"state\":\"open\",\"next_try_ms\":1200},\"groups\"");
    String table = shown(PLAIN, new Scripted(open), 1, false, false);
    assertTrue(
        table.startsWith(
            "anthropic  (least_loaded, window 1 m, capacity in 1.5 s, provider fails: breaker open,"
                + " next try in 1.2 s)\n"),
        table);
    String tried = shown(PLAIN, new Scripted(open.replace("open", "half_open")), 1, false, false);
    assertTrue(
        tried.contains(", provider failed: one request tries it, another one in 1.2 s)\n"), tried);
    String closed = shown(PLAIN, new Scripted(open.replace("open", "closed")), 1, false, false);
    assertTrue(closed.contains("capacity in 1.5 s)\n"), closed);
  }

  @Test
  void learned_limits_are_marked() throws Exception {
    String learned =
        STATE
            .replaceFirst(
                "\"learned\":\\{}", "\"learned\":{\"rpm\":50,\"itpm\":40000},\"burst\":0.25")
            .replaceFirst("\"rpm\":null", "\"rpm\":5");
    String table = shown(PLAIN, new Scripted(learned), 1, false, false);
    assertTrue(table.contains("  50/50*  "), table);
    assertTrue(table.contains("  8100/30000  "), table); // the configuration's is the lower one
    assertTrue(table.contains("1/5 "), table);
    assertTrue(table.contains("  * as the provider's answers state it\n"), table);
    assertTrue(table.contains("  acme/default: 25 % of its burst, "), table);
  }

  @Test
  void a_screen_without_block_characters_gets_others() throws Exception {
    String table = shown(TerminalFeatures.file(false), new Scripted(STATE), 1, false, false);
    assertTrue(table.contains("##........  8100/30000"), table);
    assertTrue(StandardCharsets.US_ASCII.newEncoder().canEncode(table));
  }

  @Test
  void colours_do_not_move_the_columns() throws Exception {
    String coloured =
        shown(
            new TerminalFeatures(true, true, true, 200, 50), new Scripted(STATE), 1, false, false);
    assertTrue(coloured.contains("\u001b[31mquarantined\u001b[0m"), coloured);
    assertEquals(
        shown(PLAIN, new Scripted(STATE), 1, false, false),
        coloured.replaceAll("\u001b\\[[0-9]*m", ""));
  }

  @Test
  void total_tokens_are_shown_where_they_are_limited() throws Exception {
    assertFalse(shown(PLAIN, new Scripted(STATE), 1, false, false).contains(" tpm "));
    String limited = STATE.replaceFirst("\"tpm\":null", "\"tpm\":20000");
    assertTrue(shown(PLAIN, new Scripted(limited), 1, false, false).contains("░░  9000/20000"));
  }

  @Test
  void limits_a_day_are_shown_where_there_are_some() throws Exception {
    String daily =
        STATE
            .replaceFirst("\"tpm\":null", "\"tpm\":null,\"rpd\":1000,\"tpd\":900000")
            .replaceFirst("\"tpm\":9000", "\"tpm\":9000,\"rpd\":500,\"tpd\":90000");
    String table = shown(PLAIN, new Scripted(daily), 1, false, false);
    assertTrue(table.contains("░░  500/1000  "), table);
    assertTrue(table.contains("░░  90000/900000  "), table);
    assertFalse(shown(PLAIN, new Scripted(STATE), 1, false, false).contains("pd"), "only there");
  }

  @Test
  void a_watched_screen_is_redrawn_in_place() throws Exception {
    String shown =
        shown(
            new TerminalFeatures(true, false, true, 200, 50),
            new Scripted(STATE, STATE),
            2,
            true,
            false);
    assertEquals(2, shown.split("\u001b\\[H", -1).length - 1);
    assertEquals(2, shown.split("\u001b\\[J", -1).length - 1);
  }

  @Test
  void a_screen_of_80_columns_holds_the_table() throws Exception {
    String large =
        STATE
            .replace("\"rpm\":50", "\"rpm\":4000")
            .replace("\"itpm\":30000", "\"itpm\":2000000")
            .replace("\"itpm\":8100", "\"itpm\":1299999")
            .replace("acme/default", "organisation-of-production/claude-opus")
            .replace("\"401\"", "\"the provider refused it with 401: it needs a new credential\"");
    String four = large.replaceAll("\"tpm\":null", "\"tpm\":2000000");
    for (int columns : List.of(80, 100, 120)) {
      assertTrue(fitting(large, columns).contains("░"), "there is room for bars");
      assertTrue(fitting(four, columns).contains("/2M"), "and for a fourth dimension");
    }
  }

  private static String fitting(String state, int columns) throws OperationFailed {
    TerminalFeatures screen = new TerminalFeatures(true, false, true, columns, 50);
    String table = shown(screen, new Scripted(state), 1, false, false);
    table.lines().forEach(line -> assertTrue(line.length() <= columns, table));
    assertTrue(table.contains("1.2M/2M"), table); // not rounded up
    return table;
  }

  @Test
  void a_table_higher_than_the_screen_is_cut_and_says_so() throws Exception {
    String shown =
        shown(new TerminalFeatures(true, false, true, 200, 6), new Scripted(STATE), 1, true, false);
    assertEquals(5, shown.lines().filter(line -> !line.equals("\u001b[J")).count(), shown);
    assertTrue(shown.contains("... and 4 lines more: `relay keys` prints all"), shown);
  }

  @Test
  void a_watch_continues_after_a_silence_of_redis() throws Exception {
    String shown = shown(PLAIN, new Scripted(STATE, "", STATE), 3, true, false);
    assertTrue(shown.contains("Redis does not answer"));
    assertTrue(shown.endsWith("401\n"), shown);
  }

  @Test
  void a_first_failure_ends_it() {
    OperationFailed failure =
        assertThrows(OperationFailed.class, () -> shown(PLAIN, new Scripted(""), 1, true, false));
    assertEquals(1, failure.exitCode());
  }

  @Test
  void json_is_passed_on_a_document_a_line() throws Exception {
    assertEquals(
        "{\"pools\":[]}\n{\"pools\":[]}\n",
        shown(PLAIN, new Scripted("{\"pools\":[]}", "{\"pools\":[]}"), 2, true, true));
  }

  @Test
  void a_watch_ends_when_the_output_is_closed() throws Exception {
    PrintStream closed = new PrintStream(OutputStream.nullOutputStream());
    closed.close();
    new KeysView(new Scripted(STATE), closed, PLAIN, KeysFilter.ALL, times(1)).run(true, false);
  }

  @Test
  void durations_are_for_people() {
    assertEquals("0 ms", Durations.text(0));
    assertEquals("999 ms", Durations.text(999));
    assertEquals("1 s", Durations.text(1_000));
    assertEquals("1.3 s", Durations.text(1_250));
    assertEquals("1 m", Durations.text(60_000));
    assertEquals("4 m 10 s", Durations.text(250_000));
    assertEquals("2 h 5 m", Durations.text(7_500_000));
    assertEquals("720 h", Durations.text(Duration.ofDays(30).toMillis()));
  }

  private static List<String> keysShown(@Nullable String pool, @Nullable String status, String sort)
      throws OperationFailed {
    KeysFilter filter = KeysFilter.of(pool, status, sort);
    return shown(PLAIN, new Scripted(STATE), filter, 1, false, false)
        .lines()
        .filter(line -> line.matches(" +(acme|b)-1 .*"))
        .map(line -> line.strip().replaceFirst(" .*", ""))
        .toList();
  }

  @Test
  void keys_are_sorted_and_filtered() throws Exception {
    assertEquals(List.of("b-1", "acme-1"), keysShown(null, null, "status"));
    assertEquals(List.of("acme-1", "b-1"), keysShown("anthropic", null, "in-flight"));
    assertEquals(List.of("acme-1", "b-1"), keysShown(null, null, "id"));
    assertEquals(List.of("b-1"), keysShown(null, "quarantined", "id"));
    KeysFilter filter = KeysFilter.of(null, "quarantined", null);
    String theirs = shown(PLAIN, new Scripted(STATE), filter, 1, false, false);
    assertFalse(theirs.contains("acme/default"), theirs);
    String json = shown(PLAIN, new Scripted(STATE), filter, 1, false, true);
    assertTrue(json.contains("\"b-1\"") && !json.contains("\"acme-1\""), json);
  }

  @Test
  void a_filter_that_cannot_be_meant_is_refused() {
    for (String[] options :
        new String[][] {{"openai", null, null}, {null, "dead", null}, {null, null, "age"}}) {
      OperationFailed refused =
          assertThrows(
              OperationFailed.class,
              () ->
                  KeysFilter.of(options[0], options[1], options[2])
                      .apply(new ObjectMapper().readTree(STATE)));
      assertEquals(2, refused.exitCode());
    }
  }
}
