package relay.stream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.memory.MemoryBudget;
import relay.model.Dialect;
import relay.model.TokenUsage;

class DecodersTest {
  private static final TokenUsage USAGE = new TokenUsage(25, 1200, 34000, 15);
  private static final byte[] STREAM = Streams.text("anthropic-text").getBytes(UTF_8);

  private final MemoryBudget memory = MemoryBudget.ofHeap(1); // 16 MiB, of which decoders get 4
  private final Decoders decoders = new Decoders(memory);
  private final UsageScanner scanner = UsageScanner.ofStream(Dialect.ANTHROPIC);

  @BeforeEach
  void load() {
    assertTrue(decoders.mayAskFor("br"));
    assertTrue(decoders.mayAskFor("zstd"));
  }

  private DecodingTap tap(String encoding, DecodingTap.Reader reader) {
    return Objects.requireNonNull(decoders.tap(encoding, reader));
  }

  private TokenUsage read(String encoding, byte[]... chunks) {
    UsageScanner one = UsageScanner.ofStream(Dialect.ANTHROPIC);
    try (DecodingTap tap = tap(encoding, one::feed)) {
      for (byte[] chunk : chunks) {
        tap.feed(chunk, 0, chunk.length);
      }
    }
    assertEquals(0, memory.usedBytes());
    return one.usage();
  }

  @ParameterizedTest
  @ValueSource(strings = {"br", "zstd"})
  void answers_are_decoded_at_any_split(String encoding) throws IOException {
    byte[] packed = Encodings.encoded(encoding, STREAM);
    assertTrue(packed.length < STREAM.length);
    assertEquals(USAGE, read(encoding, Streams.single(packed)));
    for (int cut = 0; cut <= packed.length; cut++) {
      byte[] head = Arrays.copyOf(packed, cut);
      byte[] tail = Arrays.copyOfRange(packed, cut, packed.length);
      assertEquals(USAGE, read(encoding, head, tail), "cut at " + cut);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"br", "zstd"})
  void what_a_broken_stream_had_flushed_is_read(String encoding) throws IOException {
    int start = new String(STREAM, UTF_8).indexOf("event: content_block_start");
    byte[] begin = Arrays.copyOf(STREAM, start);
    byte[] packed =
        Encodings.encoded(encoding, begin, Arrays.copyOfRange(STREAM, start, STREAM.length));
    byte[] flushed = Encodings.encoded(encoding, begin);
    // Without the end of the frame, whose bytes are of the next part.
    byte[] cut = Arrays.copyOf(packed, flushed.length);
    assertEquals(new TokenUsage(25, 1200, 34000, 1), read(encoding, cut));
  }

  @ParameterizedTest
  @ValueSource(strings = {"br", "zstd"})
  void damaged_input_stops_the_tap_and_frees_its_memory(String encoding) throws IOException {
    byte[] good = Encodings.encoded(encoding, STREAM);
    for (int seed = 0; seed < 2_000; seed++) {
      Random random = new Random(seed);
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      read(encoding, Streams.random(bad, random));
    }
    try (DecodingTap tap = tap(encoding, scanner::feed)) {
      tap.feed("no such format".getBytes(ISO_8859_1), 0, 14);
      assertTrue(tap.stopped());
      assertEquals(0, memory.usedBytes());
      tap.feed(good, 0, good.length);
    }
    assertFalse(scanner.reported());
  }

  @ParameterizedTest
  @ValueSource(strings = {"br", "zstd"})
  void a_bomb_is_bounded(String encoding) throws IOException {
    byte[] bomb = Encodings.encoded(encoding, new byte[32 << 20], STREAM);
    long[] decoded = {0};
    try (DecodingTap tap =
        tap(
            encoding,
            (bytes, offset, length) -> {
              decoded[0] += length;
              scanner.feed(bytes, offset, length);
            })) {
      tap.feed(bomb, 0, bomb.length);
      assertTrue(tap.stopped());
    }
    assertFalse(scanner.reported());
    assertTrue(decoded[0] < 2 << 20, decoded[0] + " bytes");
  }

  @Test
  void several_frames_of_zstd_are_read_and_foreign_ones_skipped() throws IOException {
    int half = STREAM.length / 2;
    byte[] skipped = HexFormat.of().parseHex("502a4d18" + "03000000" + "aabbcc");
    byte[] empty = HexFormat.of().parseHex("5f2a4d18" + "00000000");
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(skipped);
    all.writeBytes(Encodings.encoded("zstd", Arrays.copyOf(STREAM, half)));
    all.writeBytes(empty);
    all.writeBytes(Encodings.encoded("zstd", Arrays.copyOfRange(STREAM, half, STREAM.length)));
    assertEquals(USAGE, read("zstd", all.toByteArray()));
    assertEquals(USAGE, read("zstd", Streams.single(all.toByteArray())));
  }

  /** Each asks for more than 8 MiB: the library never sees the head. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "28b52ffd 00 a8", // a window of 2 GiB
        "28b52ffd 00 69", // of 9 MiB
        "28b52ffd a0 01008000", // a single segment of 8 MiB and 1 byte
        "28b52ffd e0 00000000000000ff", // of more than a positive long
        "28b52ffd e3 01020304 0000000001000000", // of 4 GiB, with a dictionary
        "22b52ffd" // a format of before
      })
  void a_window_that_is_too_large_is_refused_before_it_is_allocated(String head) {
    byte[] bytes = HexFormat.of().parseHex(head.replace(" ", ""));
    try (DecodingTap tap = tap("zstd", scanner::feed)) {
      for (byte[] one : Streams.single(bytes)) {
        assertFalse(tap.stopped());
        tap.feed(one, 0, 1);
      }
      assertTrue(tap.stopped());
    }
  }

  @Test
  void a_window_is_charged_as_it_fills_up_and_a_full_budget_stops_the_tap() throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    byte[] noise = new byte[6 << 20];
    new Random(3).nextBytes(noise);
    try (ZstdOutputStream out = new ZstdOutputStream(packed).setLong(23)) {
      out.write(noise);
    }
    byte[] bytes = packed.toByteArray();
    try (DecodingTap tap = tap("zstd", scanner::feed)) {
      assertEquals(DecodingTap.STEP_BYTES, memory.usedBytes());
      tap.feed(bytes, 0, 1 << 20);
      assertTrue(memory.usedBytes() >= 1 << 20, memory.usedBytes() + " bytes");
      assertTrue(decoders.mayAskFor("br"));
      tap.feed(bytes, 1 << 20, 1 << 20);
      assertFalse(decoders.mayAskFor("br"), "half of the share is in use");
      assertTrue(decoders.mayAskFor("gzip"));
      tap.feed(bytes, 2 << 20, 4 << 20);
      assertTrue(tap.stopped());
      assertEquals(0, memory.usedBytes());
    }
    assertEquals(0, memory.usedBytes());
    assertTrue(decoders.mayAskFor("br"));
  }

  @Test
  void the_window_of_brotli_follows_from_its_first_byte() {
    assertEquals(1 << 16, BrotliDecoder.windowOf((byte) 0x00));
    assertEquals(1 << 17, BrotliDecoder.windowOf((byte) 0x01));
    assertEquals(1 << 18, BrotliDecoder.windowOf((byte) 0x03));
    assertEquals(1 << 22, BrotliDecoder.windowOf((byte) 0x0b));
    assertEquals(1 << 24, BrotliDecoder.windowOf((byte) 0xff));
    assertEquals(1 << 10, BrotliDecoder.windowOf((byte) 0x21));
    assertEquals(1 << 15, BrotliDecoder.windowOf((byte) 0x71));
  }

  @Test
  void an_encoding_that_nobody_asked_for_is_not_read() {
    Decoders fresh = new Decoders(memory);
    assertNull(fresh.tap("br", scanner::feed));
    assertNull(fresh.tap("zstd", scanner::feed));
    assertNull(fresh.tap("compress", scanner::feed));
    Objects.requireNonNull(fresh.tap(" GZIP ", scanner::feed)).close();
    assertFalse(fresh.mayAskFor("compress"));
  }
}
