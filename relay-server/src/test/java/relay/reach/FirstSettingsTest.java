package relay.reach;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The window of streams in the first SETTINGS frame of an HTTP/2 connection. */
class FirstSettingsTest {
  private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII);

  private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
  private final FirstSettings output = new FirstSettings(sent, 256 * 1024);

  private static byte[] bytes(String frames) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(PREFACE);
    all.writeBytes(HexFormat.of().parseHex(frames.replace(" ", "")));
    return all.toByteArray();
  }

  /** ENABLE_PUSH 0 and a window of 16 MiB, the window of the connection, and a later SETTINGS. */
  private static byte[] begin(String window) {
    return bytes(
        "00000c 04 00 00000000 0002 00000000 0004 "
            + window
            + "000004 08 00 00000000 00ff0001"
            + "000006 04 00 00000000 0004 01000000");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 24, 33, 45, 46, 1_000})
  void only_the_window_of_the_first_frame_changes(int partBytes) throws IOException {
    byte[] all = begin("01000000");
    for (int at = 0; at < all.length; at += partBytes) {
      output.write(all, at, Math.min(partBytes, all.length - at));
    }
    assertArrayEquals(begin("00040000"), sent.toByteArray());
  }

  @Test
  void single_bytes_are_the_same() throws IOException {
    for (byte one : begin("01000000")) {
      output.write(one);
    }
    assertArrayEquals(begin("00040000"), sent.toByteArray());
  }

  @Test
  void a_frame_without_a_window_stays() throws IOException {
    byte[] all = bytes("000000 04 00 00000000 000004 08 00 00000000 00ff0001");
    output.write(all);
    assertArrayEquals(all, sent.toByteArray());
  }
}
