package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.Map;

/** Header lines in HPACK's plainest form: literals without indexing or Huffman's code. */
final class HeaderBlock {
  private static final int PREFIX = 127;

  private HeaderBlock() {}

  static byte[] of(Map<String, String> lines) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    lines.forEach(
        (name, value) -> {
          block.write(0);
          string(block, name);
          string(block, value);
        });
    return block.toByteArray();
  }

  private static void string(ByteArrayOutputStream block, String text) {
    int rest = text.length() - PREFIX;
    block.write(Math.min(PREFIX, text.length()));
    if (rest >= 0) {
      for (; rest >= 128; rest >>= 7) {
        block.write((rest & 127) | 128);
      }
      block.write(rest);
    }
    block.writeBytes(text.getBytes(ISO_8859_1));
  }
}
