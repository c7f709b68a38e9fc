package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;
import relay.model.TokenUsage;

/** Compares the scanner with a naive implementation: split lines, join data, parse a tree. */
@Tag("slow")
class SseUsageScannerAgainstJacksonTest {
  private static final JsonMapper JACKSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  /** The results from a tree; counts are -1 while unknown. */
  private static final class Plain {
    final boolean openai;
    long input = -1;
    long output = -1;
    long creation = -1;
    long read = -1;
    boolean finished;
    boolean error;

    Plain(Dialect dialect) {
      openai = dialect == Dialect.OPENAI;
    }

    void stream(String text) {
      for (String event : text.split("\r\n\r\n|\n\n|\r\r", -1)) {
        List<String> data = new ArrayList<>();
        for (String line : event.split("\r\n|\n|\r", -1)) {
          if (line.startsWith("data:")) {
            data.add(line.substring(line.startsWith("data: ") ? 6 : 5));
          }
        }
        finished |= openai && String.join("\n", data).startsWith("[DONE]");
        document(tree(String.join("\n", data)));
      }
    }

    void document(JsonNode tree) {
      if (!tree.isObject()) {
        return;
      }
      String type = tree.path("type").asText();
      error |=
          type.equals("error")
              || !(tree.path("error").isMissingNode() || tree.path("error").isNull());
      finished |= type.equals(openai ? "response.completed" : "message_stop");
      if (openai && type.startsWith("response.") && !type.equals("response.completed")) {
        return;
      }
      for (Map.Entry<String, JsonNode> member : tree.properties()) {
        if (member.getKey().equals("usage")) {
          usage(member.getValue());
        } else if (member.getKey().equals(openai ? "response" : "message")) {
          usage(member.getValue().path("usage"));
        }
      }
    }

    private void usage(JsonNode usage) {
      if (openai) {
        input = count(usage.path("prompt_tokens"), input);
        output = count(usage.path("completion_tokens"), output);
        read = count(usage.path("prompt_tokens_details").path("cached_tokens"), read);
      } else {
        creation = count(usage.path("cache_creation_input_tokens"), creation);
        read = count(usage.path("cache_read_input_tokens"), read);
      }
      input = count(usage.path("input_tokens"), input);
      output = count(usage.path("output_tokens"), output);
    }

    private static long count(JsonNode node, long before) {
      boolean count = node.isIntegralNumber() && node.canConvertToLong() && node.asLong() >= 0;
      return count && (node.asLong() > 0 || before < 0) ? node.asLong() : before;
    }

    TokenUsage usage() {
      long cached = openai ? Math.min(Math.max(read, 0), Math.max(input, 0)) : Math.max(read, 0);
      long fresh = Math.max(input, 0) - (openai ? cached : 0);
      return new TokenUsage(fresh, Math.max(creation, 0), cached, Math.max(output, 0));
    }
  }

  private static JsonNode tree(String text) {
    try {
      return JACKSON.readTree(text);
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  @Test
  void random_streams_give_the_same_result_as_a_tree() {
    int reported = 0;
    for (int seed = 0; seed < 10_000; seed++) {
      Random random = new Random(seed);
      Dialect dialect = random.nextBoolean() ? Dialect.OPENAI : Dialect.ANTHROPIC;
      String eol = List.of("\n", "\r", "\r\n").get(random.nextInt(3));
      StringBuilder events = new StringBuilder();
      for (int i = random.nextInt(8); i >= 0; i--) {
        events.append(event(random, eol));
      }
      String text = events.toString();
      int number = seed;
      byte[] bytes = text.getBytes(UTF_8);
      Plain plain = new Plain(dialect);
      plain.stream(text);
      for (byte[][] chunks : List.of(new byte[][] {bytes}, Streams.random(bytes, random))) {
        Streams.Seen seen = Streams.scan(dialect, chunks);
        Supplier<@Nullable String> context = () -> "seed " + number + " " + dialect + "\n" + text;
        assertEquals(plain.usage(), seen.usage(), context);
        assertEquals(plain.finished, seen.finished(), context);
        assertEquals(plain.error, seen.error(), context);
        reported += seen.reported() ? 1 : 0;
      }
    }
    assertTrue(reported > 5_000, "few streams had usage: " + reported);
  }

  @Test
  void random_bodies_give_the_same_result_as_a_tree() {
    for (int seed = 0; seed < 10_000; seed++) {
      Random random = new Random(seed);
      Dialect dialect = random.nextBoolean() ? Dialect.OPENAI : Dialect.ANTHROPIC;
      int number = seed;
      String body = object(random).toPrettyString();
      String text = random.nextBoolean() ? body : damaged(body, random);
      Plain plain = new Plain(dialect);
      JsonNode tree = tree(text);
      if (tree.path("type").asText().matches("(content_|response\\.).*")) {
        continue; // only for events, not bodies
      }
      plain.document(tree);
      UsageScanner scanner = UsageScanner.ofJson(dialect);
      for (byte[] chunk : Streams.random(text.getBytes(UTF_8), random)) {
        scanner.feed(chunk, 0, chunk.length);
      }
      Supplier<@Nullable String> context = () -> "seed " + number + "\n" + text;
      assertEquals(plain.usage(), scanner.usage(), context);
      assertEquals(!tree.isMissingNode(), scanner.finished(), context);
      assertEquals(plain.error, scanner.errorSeen(), context);
    }
  }

  private static String damaged(String text, Random random) {
    int at = random.nextInt(text.length());
    char structure = "{}[],:\" x".charAt(random.nextInt(9));
    return text.substring(0, at) + structure + text.substring(at + random.nextInt(2));
  }

  private static String event(Random random, String eol) {
    StringBuilder out = new StringBuilder();
    if (random.nextInt(3) == 0) {
      out.append(random.nextBoolean() ? ": comment" : "event: message").append(eol);
    }
    String json = random.nextInt(10) == 0 ? "[DONE]" : object(random).toString();
    if (random.nextInt(6) == 0) {
      json = json.replaceFirst(",", ",\n"); // two data lines
    } else if (random.nextInt(6) == 0) {
      json = json.substring(random.nextInt(json.length()));
    }
    for (String line : json.split("\n", -1)) {
      out.append(random.nextBoolean() ? "data: " : "data:").append(line).append(eol);
    }
    return out.append(eol).toString();
  }

  private static ObjectNode object(Random random) {
    ObjectNode out = JACKSON.createObjectNode();
    String[] types = {
      "content_block_delta",
      "message_start",
      "message_stop",
      "error",
      "response.output_text.delta",
      "response.completed",
      "ping"
    };
    for (int i = random.nextInt(4); i >= 0; i--) {
      switch (random.nextInt(8)) {
        case 0 -> out.put("type", types[random.nextInt(types.length)]);
        case 1 -> out.set("usage", usage(random));
        case 2 -> out.putObject("message").put("id", "é").set("usage", usage(random));
        case 3 -> out.putObject("response").set("usage", usage(random));
        case 4 -> out.putArray("choices").addObject().set("usage", usage(random));
        case 5 ->
            out.put("content", "\"usage\":{\"prompt_tokens\":7}\n[DONE] _tokens \\ \"error\"");
        case 6 -> {
          if (random.nextInt(5) == 0) {
            out.putObject("error").put("message", "m");
          }
        }
        default -> out.putNull(random.nextBoolean() ? "usage" : "error");
      }
    }
    // Deltas carry no usage or error: the scanner relies on this to skip most of a stream.
    if (out.path("type").asText().endsWith("delta")) {
      out.retain("type", "content", "choices");
    }
    return out;
  }

  private static ObjectNode usage(Random random) {
    ObjectNode out = JACKSON.createObjectNode();
    String[] names = {
      "input_tokens",
      "output_tokens",
      "prompt_tokens",
      "completion_tokens",
      "total_tokens",
      "cache_creation_input_tokens",
      "cache_read_input_tokens"
    };
    for (int i = random.nextInt(4); i >= 0; i--) {
      String name = names[random.nextInt(names.length)];
      switch (random.nextInt(8)) {
        case 0 -> out.put(name, -1);
        case 1 -> out.put(name, 1.5);
        case 2 -> out.putNull(name);
        default -> out.put(name, Math.max(0, random.nextInt(100_000) - 20_000));
      }
    }
    // With both names of a count it would be undefined which one is later.
    if (out.has("prompt_tokens")) {
      out.remove("input_tokens");
    }
    if (out.has("completion_tokens")) {
      out.remove("output_tokens");
    }
    if (random.nextInt(3) == 0) {
      out.putObject("prompt_tokens_details").put("cached_tokens", random.nextInt(1000));
    }
    return out;
  }
}
