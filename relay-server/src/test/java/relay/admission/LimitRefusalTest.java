package relay.admission;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LimitRefusalTest {
  private static byte[] gzip(byte[] plain) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
      out.write(plain);
    }
    return packed.toByteArray();
  }

  private static String words(@Nullable String encoding, byte[] body) {
    return LimitRefusal.words(encoding, body);
  }

  @Test
  void a_decompression_bomb_is_cut_at_the_bound_of_a_plain_refusal() throws IOException {
    byte[] bytes = new byte[32 * 1024 * 1024];
    Arrays.fill(bytes, (byte) 'x');
    String beginning = "x".repeat(LimitRefusal.MOST_BYTES);
    assertEquals(beginning, words("gzip", gzip(bytes)));
    assertEquals(beginning, words(null, bytes));
  }

  @Test
  void the_bytes_before_a_corrupt_part_are_read() throws IOException {
    byte[] bytes = "the beginning".getBytes(ISO_8859_1);
    byte[] packed = gzip(bytes);
    byte[] cut = Arrays.copyOf(packed, packed.length - 9);
    assertEquals("the beginning", words("X-GZip", cut));
    assertEquals("", words("gzip", bytes));
  }

  @Test
  void a_body_in_an_unknown_encoding_is_read_undecoded() {
    assertEquals("words", words("utf-8", "words".getBytes(ISO_8859_1)));
  }
}
