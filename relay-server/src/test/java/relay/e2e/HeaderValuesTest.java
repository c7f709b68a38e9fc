package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/** Values of headers that a replica forwards unchanged: runs of blanks, and the provider's date. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HeaderValuesTest {
  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a")).start(1);

  HeaderValuesTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private void everyAnswerIs(String bytes) {
    provider.script((request, connection) -> connection.write(bytes));
  }

  private Received sent(Ask ask) throws Exception {
    Answer answer = RawClient.ask(replicas.port(0), ask);
    assertEquals(200, answer.status(), answer.toString());
    return provider.received().getLast();
  }

  private static final List<String> BLANKS =
      List.of("a  b", "a\tb", "a \t  b   c\t\td", "one,  two,\tthree", "x".repeat(40) + "  é");

  @Test
  void white_space_inside_a_header_value_passes_unchanged() throws Exception {
    everyAnswerIs(Says.fine(Dialect.ANTHROPIC));
    for (String value : BLANKS) {
      Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic").header("x-blanks: \t " + value + " \t ");
      assertEquals(value, blanks(sent(ask)));
      try (RawClient wire = new RawClient(replicas.port(0))) {
        for (byte each : ask.bytes()) {
          wire.send(new byte[] {each}); // split the head anywhere
        }
        assertEquals(200, wire.answer().status());
        assertEquals(value, blanks(provider.received().getLast()));
        wire.send(ask).answer(); // later requests on the connection are parsed as usual
        assertEquals(value, blanks(provider.received().getLast()));
      }
    }
  }

  @Test
  void white_space_of_pipelined_requests_stays_with_each() throws Exception {
    everyAnswerIs(Says.fine(Dialect.ANTHROPIC));
    int before = provider.received().size();
    try (RawClient wire = new RawClient(replicas.port(0))) {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      for (String value : BLANKS) {
        Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic").header("x-blanks: " + value);
        all.writeBytes(ask.bytes());
      }
      wire.send(all.toByteArray());
      for (int n = 0; n < BLANKS.size(); n++) {
        assertEquals(200, wire.answer().status());
      }
    }
    assertEquals(
        BLANKS,
        provider.received().subList(before, before + BLANKS.size()).stream()
            .map(HeaderValuesTest::blanks)
            .toList());
  }

  @Test
  void white_space_inside_a_response_header_passes_unchanged() throws Exception {
    for (String value :
        BLANKS.subList(0, BLANKS.size() - 1)) { // skip the last value: it is not ASCII
      everyAnswerIs(Says.json(200, Says.answer(Dialect.ANTHROPIC), "x-blanks:  " + value + " \t"));
      Answer answer = RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "anthropic"));
      assertEquals(value, answer.header("x-blanks"));
    }
  }

  @Test
  void the_providers_date_passes_and_is_added_if_missing() throws Exception {
    Ask ask = Ask.of(Dialect.ANTHROPIC, "anthropic");
    String theirs = "Sun, 06 Nov 1994 08:49:37 GMT";
    everyAnswerIs(Says.json(200, Says.answer(Dialect.ANTHROPIC), "date: " + theirs));
    assertEquals(List.of(theirs), dates(RawClient.ask(replicas.port(0), ask)));

    everyAnswerIs(Says.fine(Dialect.ANTHROPIC));
    Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    List<String> dates = dates(RawClient.ask(replicas.port(0), ask));
    assertEquals(1, dates.size());
    Instant date =
        ZonedDateTime.parse(dates.getFirst(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
    assertFalse(date.isBefore(before) || date.isAfter(Instant.now()), dates.getFirst());
  }

  private static List<String> dates(Answer answer) {
    return answer.headers().stream()
        .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("date:"))
        .map(line -> line.substring("date:".length()).strip())
        .toList();
  }

  private static String blanks(Received received) {
    String asRead = received.header("x-blanks"); // one character per byte
    return asRead == null ? "none" : new String(asRead.getBytes(ISO_8859_1), UTF_8);
  }
}
