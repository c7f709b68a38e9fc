package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.Seeds;

class RequestFramingTest {
  private static final String HEAD = "POST / HTTP/1.1\r\nHost: x\r\n";
  private static final String LENGTH = HEAD + "Content-Length: 5\r\n\r\n\n a\r\n";
  private static final String CHUNKS =
      HEAD
          + "Transfer-Encoding: chunked\r\n\r\n"
          + "3;a=b\r\n\r\n"
          + " \r\n"
          + "0A\r\n"
          + "0123456789\r\n"
          + "0\r\n"
          + "x: y\r\n\r\n";
  private static final String NO_BODY = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

  private final Seeds seeds = new Seeds();

  /** The index where it stops, for input in parts of a given size. */
  private static int stop(byte[] bytes, int part) {
    RequestFraming framing = new RequestFraming();
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    for (int from = 0; from < bytes.length; from += part) {
      int end = Math.min(bytes.length, from + part);
      int stop = framing.accept(buffer, from, end);
      if (stop < end) {
        return stop;
      }
    }
    return bytes.length;
  }

  private static int stop(String text) {
    return stop(text.getBytes(ISO_8859_1), Integer.MAX_VALUE / 2);
  }

  @Test
  void an_unusual_query_is_found_wherever_the_input_is_cut() {
    List<String> targets = List.of("/a/?", "/a", "/a?b", "/a??", "/a?b?", "/?", "/??b", "/", "/?");
    String all =
        String.join(
            "",
            targets.stream()
                .map(target -> "GET " + target + " HTTP/1.1\r\na: ? ?\r\n\r\n")
                .toList());
    byte[] bytes = all.getBytes(ISO_8859_1);
    for (int part = 1; part <= bytes.length; part++) {
      RequestFraming framing = new RequestFraming();
      ByteBuffer buffer = ByteBuffer.wrap(bytes.clone());
      for (int from = 0; from < bytes.length; from += part) {
        int end = Math.min(bytes.length, from + part);
        assertEquals(end, framing.accept(buffer, from, end));
      }
      for (String target : targets) {
        String start = target.contains("??") ? "??" : target.endsWith("/?") ? "?" : null;
        assertEquals(start, framing.queryStart(), target + ", by " + part);
      }
    }
  }

  @Test
  void requests_pass_one_after_the_other() {
    String all = LENGTH + CHUNKS + NO_BODY + CHUNKS + LENGTH + NO_BODY;
    assertEquals(all.length(), stop(all));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1\r\na: b\r\n| c\r\n\r\n",
        "GET / HTTP/1.1\r\n|\ta: b\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: 123456789012345678|9\r\n\r\n",
        "GET / HTTP/1.1\r\nTRANSFER-ENCODING: x\r\n\r\n|g\r\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na|b",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1|\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r|a",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n123456789abcdef|0\r\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: y\r\n| z\r\n\r\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: y|\n\r\n"
      })
  void it_rejects_input_that_two_parsers_could_interpret_differently(String text) {
    assertEquals(text.indexOf('|'), stop(text.replace("|", "")));
    assertEquals(LENGTH.length() + text.indexOf('|'), stop(LENGTH + text.replace("|", "")));
  }

  @Test
  void a_body_begins_after_the_head() {
    RequestFraming framing = new RequestFraming();
    byte[] bytes = LENGTH.getBytes(ISO_8859_1);
    int head = LENGTH.indexOf("\r\n\r\n") + 4;
    for (int n = 0; n < bytes.length; n++) {
      framing.accept(ByteBuffer.wrap(bytes), n, n + 1);
      assertEquals(n >= head - 1 && n < bytes.length - 1, framing.inBody(), "after byte " + n);
    }
    assertFalse(framing.inBody());
  }

  /**
   * The bytes that Undertow gets, for input in parts. Open whitespace is held back, as in the
   * guard.
   */
  private static String seen(byte[] bytes, IntUnaryOperator part) {
    RequestFraming framing = new RequestFraming();
    StringBuilder seen = new StringBuilder();
    byte[] held = {};
    int from = 0;
    while (from < bytes.length) {
      int end = Math.min(bytes.length, from + part.applyAsInt(from));
      ByteBuffer buffer = ByteBuffer.allocate(held.length + end - from);
      buffer.put(held).put(bytes, from, end - from);
      int stop = framing.accept(buffer, held.length, buffer.position());
      if (stop < buffer.position()) {
        return seen + new String(buffer.array(), 0, stop, ISO_8859_1) + "|";
      }
      int shown = stop - framing.open();
      seen.append(new String(buffer.array(), 0, shown, ISO_8859_1));
      held = Arrays.copyOfRange(buffer.array(), shown, stop);
      from = end;
    }
    return seen.append(new String(held, ISO_8859_1)).toString();
  }

  private static String seen(String text) {
    return seen(text.getBytes(ISO_8859_1), from -> text.length());
  }

  @ParameterizedTest
  @CsvSource(
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "a b,a b",
        "a  b,a \u00ffb",
        "a   b,a \u00ff\u00ffb",
        "a\tb,a\u00feb",
        "a\t b,a\u00fe\u00ffb",
        "a \tb  c,a \u00feb \u00ffc",
        "  a  ,  a  ",
        "\t\ta\t\t,\t\ta\t\t",
        "'   ','   '",
        "a\u00ffb\u00fe,a\u00fdb\u00fd"
      })
  void whitespace_inside_a_value_is_encoded(String value, String shown) {
    String line = "GET / HTTP/1.1\r\nx:%s\r\ny:  z  \r\n\r\n";
    String twice = line + line;
    String expected = twice.formatted(shown, shown);
    String text = twice.formatted(value, value);
    assertEquals(expected, seen(text));
    for (int cut = 1; cut < text.length(); cut++) {
      int first = cut;
      assertEquals(
          expected,
          seen(text.getBytes(ISO_8859_1), from -> from == 0 ? first : text.length()),
          "cut at " + cut);
    }
    assertEquals(expected, seen(text.getBytes(ISO_8859_1), from -> 1));
    assertEquals(
        value.strip().replaceAll("[\u00ff\u00fe]", "\u00fd"),
        HeaderWhitespace.restored(shown.strip()));
  }

  @Test
  void whitespace_elsewhere_is_unchanged() {
    String chunked =
        "POST /a  b?x  y HTTP/1.1\r\na  b: c\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3;a  b\t\tc\r\n \t \r\n0\r\nx: y  z\r\n\r\n";
    assertEquals(chunked, seen(chunked));
    assertEquals(LENGTH.replace("\n a", "\n  "), seen(LENGTH.replace("\n a", "\n  ")));
  }

  @Test
  void much_whitespace_is_kept_and_too_much_is_refused() {
    String most = " ".repeat(RequestFraming.MAX_BLANKS);
    String head = "GET / HTTP/1.1\r\nx: ";
    assertEquals(
        head + "a " + "\u00ff".repeat(most.length() - 1) + "b\r\n\r\n",
        seen(head + "a" + most + "b\r\n\r\n"));
    String more = head + "a" + most + " b\r\n\r\n";
    assertEquals(head + "a" + most + "|", seen(more));
    assertEquals(head + "a" + most + "|", seen(more.getBytes(ISO_8859_1), from -> 1));
    assertEquals(head + most + " b\r\n\r\n", seen(head + most + " b\r\n\r\n"));
  }

  @Test
  void cuts_do_not_change_what_undertow_gets() {
    byte[] all =
        (HEAD + "x:  a  b \t c \r\nContent-Length: 3 \r\n\r\n a\t" + CHUNKS).getBytes(ISO_8859_1);
    for (int n = 0; n < seeds.tries(20_000); n++) {
      Random random = seeds.random(n);
      byte[] bytes = Seeds.mutated(all, random, "\r\n :;0a\t\u00ff\u00fe");
      String whole = seen(bytes, from -> bytes.length);
      assertEquals(whole, seen(bytes, from -> 1), seeds.replay(n));
      assertEquals(whole, seen(bytes, from -> 1 + random.nextInt(6)), seeds.replay(n));
    }
  }

  @Test
  void cuts_do_not_change_the_verdict() {
    byte[] all = (LENGTH + CHUNKS + NO_BODY + CHUNKS).getBytes(ISO_8859_1);
    for (int n = 0; n < seeds.tries(20_000); n++) {
      Random random = seeds.random(n);
      byte[] bytes = Seeds.mutated(all, random, "\r\n\r\n :;0aF\tP");
      int whole = stop(bytes, bytes.length + 1);
      assertEquals(whole, stop(bytes, 1), seeds.replay(n));
      assertEquals(whole, stop(bytes, 1 + random.nextInt(40)), seeds.replay(n));
    }
  }
}
