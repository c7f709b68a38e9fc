package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import relay.Seeds;
import relay.model.Dialect;

/** Damaged real streams: no exceptions, bounded memory, and the same result at any split. */
class StreamFuzzTest {
  private static final String LIKELY = "\r\n\r\n: {}[]\",\\0a\uFEFF";

  private final Seeds seeds = new Seeds();

  private static byte[] sample(Random random, Dialect dialect) {
    List<String> names = dialect == Dialect.OPENAI ? Streams.OPENAI : Streams.ANTHROPIC;
    List<byte[]> forms = Streams.variants(Streams.text(names.get(random.nextInt(names.size()))));
    byte[] whole = forms.get(random.nextInt(forms.size()));
    if (random.nextInt(10) == 0) {
      byte[] noise = new byte[random.nextInt(3000)];
      random.nextBytes(noise);
      return noise;
    }
    return Seeds.mutated(whole, random, LIKELY);
  }

  private static Dialect dialect(Random random) {
    return random.nextBoolean() ? Dialect.OPENAI : Dialect.ANTHROPIC;
  }

  @Test
  void a_scanner_gives_the_same_result_at_any_split() {
    for (int n = 0; n < seeds.tries(1500); n++) {
      Random random = seeds.random(n);
      Dialect dialect = dialect(random);
      byte[] stream = sample(random, dialect);
      Streams.Seen whole = Streams.scan(dialect, stream);
      assertEquals(whole, Streams.scan(dialect, Streams.single(stream)), seeds.replay(n));
      assertEquals(whole, Streams.scan(dialect, Streams.random(stream, random)), seeds.replay(n));
      assertTrue(whole.usage().inputTokens() >= 0 && whole.usage().outputTokens() >= 0);
    }
  }

  @Test
  void a_body_gives_the_same_result_at_any_split() {
    String[] bodies = {
      "{\"id\":\"m\",\"usage\":{\"input_tokens\":7,\"output_tokens\":3},\"error\":null}",
      "{\"choices\":[{\"x\":1.5e3}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,"
          + "\"prompt_tokens_details\":{\"cached_tokens\":2}}}"
    };
    for (int n = 0; n < seeds.tries(5000); n++) {
      Random random = seeds.random(n);
      Dialect dialect = dialect(random);
      byte[] body = Seeds.mutated(bodies[random.nextInt(2)].getBytes(UTF_8), random, LIKELY);
      assertEquals(
          body(dialect, body), body(dialect, Streams.random(body, random)), seeds.replay(n));
    }
  }

  private static Streams.Seen body(Dialect dialect, byte[]... chunks) {
    UsageScanner scanner = UsageScanner.ofJson(dialect);
    for (byte[] chunk : chunks) {
      scanner.feed(chunk, 0, chunk.length);
    }
    scanner.end();
    return Streams.Seen.of(scanner);
  }

  @Test
  void the_filters_output_is_the_same_at_any_split_and_never_longer_than_the_input() {
    for (int n = 0; n < seeds.tries(1500); n++) {
      Random random = seeds.random(n);
      byte[] stream = sample(random, Dialect.OPENAI);
      byte[] whole = Streams.filter(stream);
      assertTrue(whole.length <= stream.length, seeds.replay(n));
      assertArrayEquals(whole, Streams.filter(Streams.single(stream)), seeds.replay(n));
      assertArrayEquals(whole, Streams.filter(Streams.random(stream, random)), seeds.replay(n));
    }
  }

  @Test
  void the_held_part_of_an_endless_event_is_bounded() {
    UsageChunkFilter filter = new UsageChunkFilter();
    UsageScanner scanner = UsageScanner.ofStream(Dialect.OPENAI);
    byte[] part = "data: {\"usage\":\"".repeat(500).getBytes(UTF_8);
    long passed = 0;
    for (int n = 0; n < 2_000; n++) {
      passed += filter.filter(part, 0, part.length);
      scanner.feed(part, 0, part.length);
      assertTrue(filter.output().length <= 4 * UsageChunkFilter.MAX_EVENT_BYTES);
    }
    assertTrue(passed >= 2_000L * part.length - UsageChunkFilter.MAX_EVENT_BYTES);
  }

  @Test
  void damaged_compression_never_throws() throws IOException {
    for (int n = 0; n < seeds.tries(1500); n++) {
      Random random = seeds.random(n);
      byte[] zipped = Seeds.mutated(zipped(sample(random, Dialect.OPENAI)), random, LIKELY);
      UsageScanner scanner = UsageScanner.ofStream(Dialect.OPENAI);
      try (DecodingTap tap =
          random.nextInt(4) == 0
              ? DecodingTap.deflate(scanner::feed)
              : DecodingTap.gzip(scanner::feed)) {
        for (byte[] chunk : Streams.random(zipped, random)) {
          tap.feed(chunk, 0, chunk.length);
        }
      } catch (RuntimeException e) {
        throw new AssertionError(seeds.replay(n), e);
      }
    }
  }

  private static byte[] zipped(byte[] plain) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(plain);
    }
    return out.toByteArray();
  }
}
