package relay.config;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The blocks of a PEM file (RFC 7468), in file order. Text between blocks is ignored. */
final class PemBlocks {
  /** Ample for a chain of certificates. */
  static final int MAX_BYTES = 256 * 1024;

  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]{1,64})-----([^-]*)-----END \\1-----");

  /** A block: its label, such as {@code CERTIFICATE}, and its decoded content. */
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
   * @throws IllegalArgumentException if a block's content is not Base64
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
