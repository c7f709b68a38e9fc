package relay.config;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The blocks of a PEM file (RFC 7468), in their order; text around them is passed over. */
final class PemBlocks {
  /** A chain of certificates with room to spare. */
  static final int MAX_BYTES = 256 * 1024;

  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]{1,64})-----([^-]*)-----END \\1-----");

  /** A block: what it says it is, such as {@code CERTIFICATE}, and its content. */
  static final class Block {
    private final String label;
    private final byte[] der;

    private Block(String label, byte[] der) {
      this.label = label;
      this.der = der;
    }

    String label() {
      return label;
    }

    byte[] der() {
      return der;
    }
  }

  private PemBlocks() {}

  /**
   * @throws IllegalArgumentException when the content of a block is not Base64
   */
  static List<Block> of(byte[] file) {
    List<Block> blocks = new ArrayList<>();
    Matcher matcher = BLOCK.matcher(new String(file, ISO_8859_1));
    while (matcher.find()) {
      byte[] der = Base64.getDecoder().decode(matcher.group(2).replaceAll("\\s", ""));
      blocks.add(new Block(matcher.group(1), der));
    }
    return blocks;
  }
}
