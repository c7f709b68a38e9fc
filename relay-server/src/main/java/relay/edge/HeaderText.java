package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import org.jspecify.annotations.Nullable;

/**
 * Converts header values between text and Undertow's form, one character per byte. Undertow writes
 * only the low byte of a character, so some text would become line breaks.
 */
final class HeaderText {
  private HeaderText() {}

  /** A client's value as text; invalid UTF-8 stays unchanged. */
  static String read(String value) {
    if (isAscii(value)) {
      return value;
    }
    String text = decoded(value);
    return text == null ? value : text;
  }

  /** Whether a client's value is text. */
  static boolean isText(String value) {
    for (int n = 0; n < value.length(); n++) {
      char c = value.charAt(n);
      if (c < ' ' || c > '~') { // rare
        return mayPass(value) && (isAscii(value) || decoded(value) != null);
      }
    }
    return true;
  }

  /** Whether a value has no line ends and no forbidden characters. */
  static boolean mayPass(String value) {
    for (int n = 0; n < value.length(); n++) {
      char c = value.charAt(n);
      if ((c < ' ' && c != '\t') || c == 0x7f) {
        return false;
      }
    }
    return true;
  }

  /** Text in Undertow's form. */
  static String write(String text) {
    return isAscii(text) ? text : new String(text.getBytes(UTF_8), ISO_8859_1);
  }

  private static boolean isAscii(String value) {
    for (int n = 0; n < value.length(); n++) {
      if (value.charAt(n) > 0x7f) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable String decoded(String value) {
    try {
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(value.getBytes(ISO_8859_1))).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }
}
