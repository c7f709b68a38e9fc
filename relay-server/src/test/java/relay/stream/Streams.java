package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import relay.model.Dialect;
import relay.model.TokenUsage;

/** Recorded streams, ways to split them, and a scanner's results. */
final class Streams {
  static final List<String> ANTHROPIC =
      List.of("anthropic-text", "anthropic-thinking-tools", "anthropic-error");
  static final List<String> OPENAI =
      List.of(
          "openai-chat",
          "openai-tools",
          "openai-error",
          "openai-responses",
          "openai-responses-failed",
          "openai-responses-incomplete");

  private Streams() {}

  /** All results of a scanner at one point. */
  record Seen(
      TokenUsage usage, boolean reported, boolean finished, boolean error, boolean boundary) {
    static Seen of(UsageScanner scanner) {
      return new Seen(
          scanner.usage(),
          scanner.reported(),
          scanner.finished(),
          scanner.errorSeen(),
          scanner.atEventBoundary());
    }
  }

  static String text(String name) {
    try (InputStream in =
        Objects.requireNonNull(Streams.class.getResourceAsStream(name + ".sse"), name)) {
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The stream with each permitted line end, and with a BOM. */
  static List<byte[]> variants(String text) {
    return List.of(
        text.getBytes(UTF_8),
        text.replace("\n", "\r\n").getBytes(UTF_8),
        text.replace("\n", "\r").getBytes(UTF_8),
        ("\uFEFF" + text).getBytes(UTF_8),
        text.replace("data: ", "data:").getBytes(UTF_8));
  }

  static Seen scan(Dialect dialect, byte[]... chunks) {
    UsageScanner scanner = UsageScanner.ofStream(dialect);
    for (byte[] chunk : chunks) {
      scanner.feed(chunk, 0, chunk.length);
    }
    return Seen.of(scanner);
  }

  static Seen scan(Dialect dialect, String text) {
    return scan(dialect, text.getBytes(UTF_8));
  }

  static byte[][] single(byte[] all) {
    byte[][] out = new byte[all.length][];
    for (int i = 0; i < all.length; i++) {
      out[i] = new byte[] {all[i]};
    }
    return out;
  }

  static byte[][] random(byte[] all, Random random) {
    List<byte[]> out = new ArrayList<>();
    int most = 1 + random.nextInt(200);
    for (int at = 0; at < all.length; ) {
      int next = Math.min(all.length, at + random.nextInt(most) + random.nextInt(2));
      out.add(Arrays.copyOfRange(all, at, next));
      at = next;
    }
    return out.toArray(new byte[0][]);
  }

  static byte[] filter(byte[]... chunks) {
    UsageChunkFilter filter = new UsageChunkFilter();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] chunk : chunks) {
      int length = filter.filter(chunk, 0, chunk.length);
      out.write(filter.output(), 0, length);
    }
    int length = filter.end();
    out.write(filter.output(), 0, length);
    return out.toByteArray();
  }
}
