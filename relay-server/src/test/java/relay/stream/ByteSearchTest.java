package relay.stream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ByteSearchTest {

  @Test
  void the_first_delimiter_is_found_at_any_position() {
    for (int seed = 0; seed < 50_000; seed++) {
      Random random = new Random(seed);
      byte[] buf = new byte[random.nextInt(40)];
      for (int i = 0; i < buf.length; i++) {
        // Mostly bytes close to a delimiter or with the high bit: the hard cases for the
        // arithmetic.
        buf[i] =
            (byte)
                "aé\u000b\u000e!#[]\u0080\u00a2\u00dc\u008a\u00ff \u007f\n\r\"\\\u0000\u001f"
                    .charAt(random.nextInt(random.nextInt(3) > 0 ? 15 : 21));
      }
      int from = random.nextInt(buf.length + 1);
      int end = from + random.nextInt(buf.length - from + 1);
      int line = from;
      while (line < end && buf[line] != '\n' && buf[line] != '\r') {
        line++;
      }
      int string = from;
      while (string < end
          && buf[string] != '"'
          && buf[string] != '\\'
          && (buf[string] & 0xff) >= 32) {
        string++;
      }
      assertEquals(line, ByteSearch.lineEnd(buf, from, end), "seed " + seed);
      assertEquals(string, ByteSearch.stringStop(buf, from, end), "seed " + seed);
    }
  }

  @Test
  void a_word_is_found_exactly_where_it_occurs() {
    KeywordSearch needles = new KeywordSearch("abca", "bcab", "\"e_\u00e9");
    for (int seed = 0; seed < 50_000; seed++) {
      Random random = new Random(seed);
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(30); i > 0; i--) {
        text.append("abcabc\"e_\u00e9".charAt(random.nextInt(10)));
      }
      byte[] buf = ("abca" + text + "bcab").getBytes(ISO_8859_1);
      String all = text.toString();
      boolean expected = all.contains("abca") || all.contains("bcab") || all.contains("\"e_\u00e9");
      assertEquals(expected, needles.in(buf, 4, buf.length - 4), all);
    }
  }
}
