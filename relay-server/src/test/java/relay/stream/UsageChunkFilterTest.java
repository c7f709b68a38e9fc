package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UsageChunkFilterTest {

  private static String filter(String text) {
    return new String(Streams.filter(text.getBytes(UTF_8)), UTF_8);
  }

  /** The expected stream: without the usage chunk and without usage members. */
  private static String without(String stream, String eol) {
    return stream
        .replaceAll("data: ?[^\r\n]*\"choices\":\\[\\],\"usage\":\\{[^\r\n]*" + eol + eol, "")
        .replace(",\"usage\":null", "");
  }

  @Test
  void a_recorded_stream_looks_like_one_without_a_usage_request() {
    String stream = Streams.text("openai-chat");
    String expected = without(stream, "\n");
    assertEquals(expected, filter(stream));
    assertTrue(expected.length() < stream.length() - 400 && expected.endsWith("data: [DONE]\n\n"));
    assertEquals(4, expected.split("\"obfuscation\"").length - 1);
  }

  @Test
  void the_output_is_the_same_at_any_split() {
    for (String name : Streams.OPENAI) {
      for (byte[] stream : Streams.variants(Streams.text(name))) {
        String text = new String(stream, UTF_8);
        String eol = text.contains("\r\n") ? "\r\n" : text.contains("\r") ? "\r" : "\n";
        boolean chat = !name.startsWith("openai-responses");
        byte[] expected = chat ? without(text, eol).getBytes(UTF_8) : stream;
        for (int cut = 0; cut <= stream.length; cut++) {
          byte[] out =
              Streams.filter(
                  Arrays.copyOf(stream, cut), Arrays.copyOfRange(stream, cut, stream.length));
          assertArrayEquals(expected, out, name + " cut at " + cut);
        }
        assertArrayEquals(expected, Streams.filter(Streams.single(stream)), name);
        for (int seed = 0; seed < 50; seed++) {
          byte[][] chunks = Streams.random(stream, new Random(seed));
          assertArrayEquals(expected, Streams.filter(chunks), name + " seed " + seed);
        }
      }
    }
  }

  /** Splits by event and into parts of any size. */
  @Test
  void passes_agrees_with_filter() {
    int passed = 0;
    for (String name : Streams.OPENAI) {
      // Some servers send "usage":null in each event, others do not.
      String text = Streams.text(name) + Streams.text(name).replace(",\"usage\":null", "");
      for (byte[] stream : Streams.variants(text)) {
        byte[] expected = Streams.filter(stream);
        String eol = new String(stream, UTF_8).contains("\r\n") ? "\r\n" : "\n";
        for (int seed = 0; seed < 50; seed++) {
          ByteArrayOutputStream out = new ByteArrayOutputStream();
          UsageChunkFilter filter = new UsageChunkFilter();
          byte[][] parts =
              seed == 0 ? events(stream, eol) : Streams.random(stream, new Random(seed));
          for (byte[] part : parts) {
            if (filter.passes(part, 0, part.length)) {
              passed++;
              out.writeBytes(part);
            } else {
              int length = filter.filter(part, 0, part.length);
              out.write(filter.output(), 0, length);
            }
          }
          int length = filter.end();
          out.write(filter.output(), 0, length);
          assertArrayEquals(expected, out.toByteArray(), name + " seed " + seed);
        }
      }
    }
    assertTrue(passed > 100, "passed " + passed);
  }

  private static byte[][] events(byte[] stream, String eol) {
    return Arrays.stream(new String(stream, UTF_8).split("(?<=" + eol + eol + ")"))
        .map(event -> event.getBytes(UTF_8))
        .toArray(byte[][]::new);
  }

  @Test
  void the_member_is_removed_with_exactly_one_comma() {
    String in = "data: %s\n\n";
    assertEquals(in.formatted("{\"a\":1}"), filter(in.formatted("{\"a\":1,\"usage\":null}")));
    assertEquals(
        in.formatted("{\"a\":1 }"),
        filter(in.formatted("{\"a\":1 , \"usage\" : null }")).replace("1  }", "1 }"));
    assertEquals(in.formatted("{\"a\":1}"), filter(in.formatted("{\"usage\":null,\"a\":1}")));
    assertEquals(in.formatted("{ \"a\":1}"), filter(in.formatted("{ \"usage\":null ,\"a\":1}")));
    assertEquals(
        in.formatted("{\"a\":1,\"b\":2}"),
        filter(in.formatted("{\"a\":1,\"usage\":null,\"b\":2}")));
    assertEquals(in.formatted("{}"), filter(in.formatted("{\"usage\":null}")));
  }

  @Test
  void everything_else_passes_byte_for_byte() {
    for (String same :
        List.of(
            "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":null\"}}]}\n\n",
            "data: {\"choices\":[{\"usage\":null}]}\n\n",
            "data: {\"choices\":[{\"usage\":{\"prompt_tokens\":1}}]}\n\n",
            "data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":1}}\n\n",
            "data: {\"choices\":[1],\"usage\":{\"prompt_tokens\":1}}\n\n",
            "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n",
            "data: {\"choices\":{},\"usage\":{}}\n\n",
            "data: {\"usage\":{\"prompt_tokens\":1}}\n\n",
            "data: {\"usage\":null,\"usage\":null}\n\n",
            "data: {\"choices\":[],\"usage\":{}\n\n",
            "data: {\"a\":1,\"usage\":null\n\n",
            "data: {\"a\":1,\n" + "data: \"usage\":null}\n\n",
            ": \"usage\":null\n\nid: \"usage\"\n\nevent: x\ndata:\n\n",
            "data: [DONE]\n\n\n\n: x",
            "data: {\"choices\":[],\"usage\":{}}\n")) {
      assertEquals(same, filter(same));
      assertArrayEquals(same.getBytes(UTF_8), Streams.filter(Streams.single(same.getBytes(UTF_8))));
    }
  }

  @Test
  void a_usage_chunk_of_several_data_lines_is_removed_too() {
    assertEquals(
        "data: [DONE]\n\n",
        filter("data: {\"choices\":[],\ndata: \"usage\":{}}\n\ndata: [DONE]\n\n"));
  }

  @Test
  void an_event_passes_as_soon_as_it_is_complete() {
    for (String eol : List.of("\n", "\r", "\r\n")) {
      UsageChunkFilter filter = new UsageChunkFilter();
      byte[] event = ("data: {\"a\":1}" + eol + eol).getBytes(UTF_8);
      int sent = 0;
      for (int round = 0; round < 3; round++) {
        for (byte b : event) {
          sent += filter.filter(new byte[] {b}, 0, 1);
        }
        assertEquals(event.length * (round + 1), sent);
      }
    }
  }

  @Test
  void the_rest_of_an_overlong_event_is_not_parsed_as_an_event() {
    UsageChunkFilter filter = new UsageChunkFilter();
    byte[] large = "x".repeat(UsageChunkFilter.MAX_EVENT_BYTES + 1).getBytes(UTF_8);
    byte[] rest = "data: {}\n\n".getBytes(UTF_8);
    assertTrue(filter.passes(rest, 0, rest.length));
    assertEquals(large.length, filter.filter(large, 0, large.length));
    assertFalse(filter.passes(rest, 0, rest.length));
    assertEquals(rest.length, filter.filter(rest, 0, rest.length));
    assertTrue(filter.passes(rest, 0, rest.length));
  }

  @Test
  void an_overlong_event_passes_unfiltered_and_the_next_is_filtered() {
    String large =
        "data: {\"x\":\"" + "y".repeat(UsageChunkFilter.MAX_EVENT_BYTES) + "\",\"usage\":null}\n\n";
    String next = "data: {\"a\":1,\"usage\":null}\n\n";
    byte[] all = (large + next + large).getBytes(UTF_8);
    byte[] expected = (large + "data: {\"a\":1}\n\n" + large).getBytes(UTF_8);
    UsageChunkFilter filter = new UsageChunkFilter();
    int in = 0;
    int out = 0;
    byte[] sent = new byte[all.length];
    for (byte[] chunk : Streams.random(all, new Random(1))) {
      int length = filter.filter(chunk, 0, chunk.length);
      System.arraycopy(filter.output(), 0, sent, out, length);
      in += chunk.length;
      out += length;
      assertTrue(in - out <= UsageChunkFilter.MAX_EVENT_BYTES + 20, "held " + (in - out));
    }
    assertArrayEquals(expected, Arrays.copyOf(sent, out));
  }
}
