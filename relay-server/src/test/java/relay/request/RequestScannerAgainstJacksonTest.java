package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeType;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The scanner accepts exactly the documents that Jackson accepts (strict, on strictly decoded
 * UTF-8).
 */
@Tag("slow")
class RequestScannerAgainstJacksonTest {
  private static final JsonMapper JACKSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(511)
                          .maxNumberLength(1_000_000)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  @Test
  void random_and_mutated_documents_get_jacksons_verdict() {
    int valid = 0;
    int invalid = 0;
    for (int seed = 0; seed < 20_000; seed++) {
      Random random = new Random(seed);
      byte[] value = new RandomJson(random).document();
      if (random.nextInt(3) > 0) {
        value = RandomJson.mutate(value, random);
      }
      // Inside a member without special rules, so that only the grammar decides.
      byte[] body = body(value);
      boolean expected = grammar(body) != null;
      assertJudged(expected, body, "seed " + seed);
      valid += expected ? 1 : 0;
      invalid += expected ? 0 : 1;
    }
    assertTrue(valid > 5_000 && invalid > 5_000, valid + " valid, " + invalid + " invalid");
  }

  @Test
  void every_single_byte_mutation_of_a_small_body_gets_jacksons_verdict() {
    byte[] original =
        "{ \"model\":\"m\", \"é😀\":[1.5e+3,-0,true,null,{\"a\\n\\u00e9\":\"\\ud83d中\"}] }"
            .getBytes(UTF_8);
    for (int at = 0; at < original.length; at++) {
      for (int b = 0; b < 256; b++) {
        byte[] mutated = original.clone();
        mutated[at] = (byte) b;
        JsonNode tree = grammar(mutated);
        boolean expected =
            tree != null
                && tree.isObject()
                && tree.path("model").isTextual()
                && !tree.path("model").textValue().isEmpty()
                && tree.path("model").textValue().charAt(0) != 0x7f;
        assertJudged(expected, mutated, "byte " + b + " at " + at);
      }
      byte[] shorter = new byte[original.length - 1];
      System.arraycopy(original, 0, shorter, 0, at);
      System.arraycopy(original, at + 1, shorter, at, shorter.length - at);
      JsonNode tree = grammar(shorter);
      boolean expected = tree != null && tree.isObject() && !tree.path("model").asText().isEmpty();
      assertJudged(expected, shorter, "without the byte at " + at);
    }
  }

  @Test
  void the_facts_equal_those_from_a_tree() {
    for (int seed = 0; seed < 5_000; seed++) {
      Random random = new Random(seed);
      byte[] body = new RandomJson(random).request();
      JsonNode tree = jackson(body);
      assertTrue(tree != null, "seed " + seed);
      String context = "seed " + seed + ": " + new String(body, UTF_8);
      RequestScan scan = RequestScanner.scan(body, body.length);
      if (!(scan instanceof RequestFacts facts)) {
        throw new AssertionError(context + scan);
      }
      assertEquals(tree.get("model").textValue(), facts.model(), context);
      assertEquals(tree.get("model"), jackson(cut(body, facts.modelValue())), context);
      assertEquals(tree.path("stream").asBoolean(false), facts.stream(), context);
      long bound = RequestFacts.NO_BOUND;
      for (String name :
          new String[] {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
        bound = Math.max(bound, tree.path(name).asLong(RequestFacts.NO_BOUND));
      }
      assertEquals(bound, facts.maxOutputTokens(), context);
      JsonNode options = tree.get("stream_options");
      assertEquals(options, value(body, facts.streamOptions()), context);
      JsonNode include = options == null ? null : options.get("include_usage");
      assertEquals(include, value(body, facts.includeUsageValue()), context);
      assertEquals(include != null && include.booleanValue(), facts.includeUsage(), context);
      assertEquals(textBytes(tree), facts.textBytes(), context);
    }
  }

  /** Strings long enough to be read by marks, with few or many escapes, in all widths of UTF-8. */
  @Test
  void long_strings_get_jacksons_verdict() {
    int valid = 0;
    int invalid = 0;
    for (int seed = 0; seed < 5_000; seed++) {
      Random random = new Random(seed);
      byte[] body = body(longString(random, random.nextInt(5) == 0 ? 5_000 : 300));
      JsonNode tree = jackson(body);
      RequestScan scan = RequestScanner.scan(body, body.length);
      if (tree == null || !(scan instanceof RequestFacts facts)) {
        throw new AssertionError("seed " + seed + scan);
      }
      assertEquals(textBytes(tree), facts.textBytes(), "seed " + seed);
      for (int damage = random.nextInt(4); damage > 0; damage--) {
        body[random.nextInt(BEFORE, body.length)] = TELLING[random.nextInt(TELLING.length)];
      }
      JsonNode judged = grammar(body);
      boolean expected = judged != null;
      assertJudged(expected, body, "seed " + seed);
      valid += expected ? 1 : 0;
      invalid += expected ? 0 : 1;
    }
    assertTrue(valid > 1_000 && invalid > 1_000, valid + " valid, " + invalid + " invalid");
  }

  @Test
  void a_long_string_damaged_at_any_byte_gets_jacksons_verdict() {
    byte[] original = body(longString(new Random(3), 250));
    for (int at = BEFORE; at < original.length; at++) {
      for (byte telling : TELLING) {
        byte[] damaged = original.clone();
        damaged[at] = telling;
        assertJudged(grammar(damaged) != null, damaged, "byte " + telling + " at " + at);
      }
      assertTrue(RequestScanner.scan(original, at) instanceof BadRequest, "cut at " + at);
    }
  }

  /** The offset of the tested value in a {@link #body}. */
  private static final int BEFORE = "{'model':'m','x':".length();

  /**
   * The bounds of byte ranges with different meaning in UTF-8 or JSON, and bytes that differ from
   * them in one bit.
   */
  private static final byte[] TELLING =
      HexFormat.ofDelimiter(" ")
          .parseHex(
              "00 0a 1f 20 22 2f 5c 61 6e 75 7f 80 8f 90 9f a0 a2 bf c0 c1 c2 dc df e0 e1 ec ed ee"
                  + " ef f0 f1 f3 f4 f5 f8 ff");

  private static byte[] longString(Random random, int length) {
    String[] pieces = {
      "\\n",
      "\\\"",
      "\\\\",
      "\\t",
      "\\r",
      "\\/",
      "\\b",
      "\\u00e9",
      "\\ud83d\\ude00",
      "\\\\n",
      "\\\\\\\"",
      "é",
      "中",
      "😀",
      "ह",
      "퀀",
      "ж",
      "\ud7ff",
      "\ue000",
      "\u0800",
      "x",
      "word "
    };
    int plain = random.nextInt(3) * 12; // number of plain characters between escapes
    StringBuilder string = new StringBuilder("\"");
    while (string.length() < length) {
      string.append(
          random.nextInt(plain + 1) > 0 ? "text " : pieces[random.nextInt(pieces.length)]);
    }
    return string.append('"').toString().getBytes(UTF_8);
  }

  private static long textBytes(JsonNode node) {
    if (node.getNodeType() == JsonNodeType.STRING) {
      return node.textValue().getBytes(UTF_8).length;
    }
    long sum = 0;
    for (JsonNode child : node) {
      sum += textBytes(child);
    }
    return sum;
  }

  private static @Nullable JsonNode value(byte[] body, @Nullable ByteRange range) {
    return range == null ? null : jackson(cut(body, range));
  }

  private static byte[] cut(byte[] body, ByteRange range) {
    return Arrays.copyOfRange(body, range.start(), range.end());
  }

  private static byte[] body(byte[] value) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("{\"model\":\"m\",\"x\":".getBytes(UTF_8));
    out.writeBytes(value);
    out.write('}');
    return out.toByteArray();
  }

  private static void assertJudged(boolean valid, byte[] body, String context) {
    RequestScan scan = RequestScanner.scan(body, body.length);
    assertEquals(
        valid, scan instanceof RequestFacts, () -> context + ": " + new String(body, UTF_8) + scan);
    if (scan instanceof BadRequest bad) {
      assertTrue(bad.offset() >= 0 && bad.offset() <= body.length, context);
    }
  }

  static @Nullable JsonNode jackson(byte[] body) {
    return jackson(body, text -> text);
  }

  /**
   * As {@link #jackson}, but reads every escaped surrogate as a letter: RFC 8259 allows lone
   * surrogates, but Jackson refuses them in names.
   */
  private static @Nullable JsonNode grammar(byte[] body) {
    return jackson(body, text -> text.replaceAll("\\\\u[dD][89a-fA-F]\\p{XDigit}{2}", "\\\\u0041"));
  }

  private static @Nullable JsonNode jackson(byte[] body, UnaryOperator<String> change) {
    try {
      String text = change.apply(UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString());
      JsonNode tree = JACKSON.readTree(text);
      return tree == null || tree.isMissingNode() ? null : tree;
    } catch (CharacterCodingException | JsonProcessingException e) {
      return null;
    }
  }
}
