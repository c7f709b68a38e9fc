package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;
import relay.model.TokenUsage;

class DecodingTapTest {
  private static final TokenUsage USAGE = new TokenUsage(25, 1200, 34000, 15);
  private static final byte[] STREAM = Streams.text("anthropic-text").getBytes(UTF_8);

  private static TokenUsage read(Function<DecodingTap.Reader, DecodingTap> kind, byte[]... chunks) {
    UsageScanner scanner = UsageScanner.ofStream(Dialect.ANTHROPIC);
    try (DecodingTap tap = kind.apply(scanner::feed)) {
      for (byte[] chunk : chunks) {
        tap.feed(chunk, 0, chunk.length);
      }
    }
    return scanner.usage();
  }

  private interface Compressor {
    OutputStream on(OutputStream out) throws IOException;
  }

  private static byte[] compress(Compressor compressor, byte[]... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = compressor.on(bytes)) {
      for (byte[] part : parts) {
        out.write(part);
        out.flush();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static byte[] gzip(byte[]... parts) {
    return compress(out -> new GZIPOutputStream(out, 512, true), parts);
  }

  private static byte[] deflate(boolean raw) {
    return compress(out -> new DeflaterOutputStream(out, new Deflater(6, raw), 512, true), STREAM);
  }

  private static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private static void assertReadHoweverCut(
      Function<DecodingTap.Reader, DecodingTap> kind, byte[] compressed) {
    assertEquals(USAGE, read(kind, compressed));
    assertEquals(USAGE, read(kind, Streams.single(compressed)));
    for (int cut = 0; cut <= compressed.length; cut++) {
      byte[] head = Arrays.copyOf(compressed, cut);
      byte[] tail = Arrays.copyOfRange(compressed, cut, compressed.length);
      assertEquals(USAGE, read(kind, head, tail), "cut at " + cut);
    }
    for (int seed = 0; seed < 30; seed++) {
      assertEquals(USAGE, read(kind, Streams.random(compressed, new Random(seed))), "seed " + seed);
    }
  }

  @Test
  void gzip_is_decoded_at_any_split() {
    assertReadHoweverCut(DecodingTap::gzip, gzip(STREAM));
  }

  @Test
  void several_members_and_optional_header_parts_are_decoded() {
    int half = STREAM.length / 2;
    byte[] first = gzip(Arrays.copyOf(STREAM, half));
    byte[] second = gzip(Arrays.copyOfRange(STREAM, half, STREAM.length));
    assertReadHoweverCut(DecodingTap::gzip, concat(first, second, new byte[5]));

    for (int flags = 0; flags < 32; flags++) {
      ByteArrayOutputStream header = new ByteArrayOutputStream();
      header.writeBytes(new byte[] {0x1f, (byte) 0x8b, 8, (byte) flags, 0, 0, 0, 0, 0, 0});
      if ((flags & 4) != 0) {
        header.writeBytes(new byte[] {(byte) (flags < 8 ? 0 : 3), 0});
        header.writeBytes(flags < 8 ? new byte[0] : new byte[] {0x1f, 0, 7});
      }
      header.writeBytes((flags & 8) != 0 ? "name\0".getBytes(UTF_8) : new byte[0]);
      header.writeBytes((flags & 16) != 0 ? "\0".getBytes(UTF_8) : new byte[0]);
      CRC32 crc = new CRC32();
      crc.update(header.toByteArray());
      header.writeBytes(
          (flags & 2) != 0
              ? new byte[] {(byte) crc.getValue(), (byte) (crc.getValue() >> 8)}
              : new byte[0]);
      byte[] plain = gzip(STREAM);
      byte[] body = Arrays.copyOfRange(plain, 10, plain.length);
      assertEquals(
          USAGE, read(DecodingTap::gzip, concat(header.toByteArray(), body)), "flags " + flags);
      assertEquals(
          USAGE, read(DecodingTap::gzip, Streams.single(concat(header.toByteArray(), body))));
    }
  }

  @Test
  void deflate_is_decoded_with_and_without_zlib_header() {
    assertReadHoweverCut(DecodingTap::deflate, deflate(false));
    assertReadHoweverCut(DecodingTap::deflate, deflate(true));
  }

  @Test
  void the_end_of_a_deflate_body_is_no_error() {
    byte[] packed = deflate(false);
    UsageScanner scanner = UsageScanner.ofStream(Dialect.ANTHROPIC);
    try (DecodingTap tap = DecodingTap.deflate(scanner::feed)) {
      tap.feed(packed, 0, packed.length);
      assertFalse(tap.stopped());
      tap.feed(packed, 0, packed.length);
      assertFalse(tap.stopped());
    }
    assertEquals(USAGE, scanner.usage());
  }

  @Test
  void a_flushed_event_is_decoded_at_once() {
    String text = new String(STREAM, UTF_8);
    int start = text.indexOf("event: content_block_start");
    byte[] flushed = gzip(text.substring(0, start).getBytes(UTF_8));
    // Without the last block's end and the trailer.
    byte[] open = Arrays.copyOf(flushed, flushed.length - 10);
    assertEquals(new TokenUsage(25, 1200, 34000, 1), read(DecodingTap::gzip, open));
  }

  @Test
  void broken_input_stops_the_tap_and_keeps_earlier_usage() {
    byte[] good = gzip(STREAM);
    for (int seed = 0; seed < 5_000; seed++) {
      Random random = new Random(seed);
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      read(DecodingTap::gzip, Streams.random(bad, random));
      read(DecodingTap::deflate, Streams.random(bad, random));
    }
    UsageScanner scanner = UsageScanner.ofStream(Dialect.ANTHROPIC);
    try (DecodingTap tap = DecodingTap.gzip(scanner::feed)) {
      tap.feed(good, 0, good.length);
      assertFalse(tap.stopped());
      tap.feed(STREAM, 0, STREAM.length);
      assertTrue(tap.stopped());
      tap.feed(good, 0, good.length);
    }
    assertEquals(USAGE, scanner.usage());
  }

  @Test
  void decoding_of_a_zip_bomb_is_bounded() {
    byte[] bomb = gzip(new byte[32 * 1024 * 1024], STREAM);
    UsageScanner scanner = UsageScanner.ofStream(Dialect.ANTHROPIC);
    try (DecodingTap tap = DecodingTap.gzip(scanner::feed)) {
      tap.feed(bomb, 0, bomb.length);
      assertTrue(tap.stopped());
    }
    assertFalse(scanner.reported());
  }

  @Test
  void a_provider_is_asked_only_for_what_is_read() {
    for (String encoding : List.of("br", "zstd", "compress", "identity")) {
      assertFalse(DecodingTap.reads(encoding));
      assertNull(DecodingTap.of(encoding, (bytes, offset, length) -> {}));
    }
    for (String encoding : List.of("gzip", "deflate")) {
      assertTrue(DecodingTap.reads(encoding));
      Objects.requireNonNull(
              DecodingTap.of(' ' + encoding.toUpperCase(Locale.ROOT), (b, off, len) -> {}))
          .close();
    }
  }

  @Test
  void close_is_idempotent_and_later_input_is_ignored() {
    UsageScanner scanner = UsageScanner.ofStream(Dialect.ANTHROPIC);
    DecodingTap tap = DecodingTap.gzip(scanner::feed);
    tap.close();
    tap.close();
    byte[] good = gzip(STREAM);
    tap.feed(good, 0, good.length);
    assertFalse(scanner.reported());
  }
}
