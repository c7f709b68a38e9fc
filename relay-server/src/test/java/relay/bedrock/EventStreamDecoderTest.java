package relay.bedrock;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Decodes Bedrock's frames to Anthropic's events. */
class EventStreamDecoderTest {
  private static final byte[] LAST = EventStreamFrames.chunk("{\"type\":\"message_stop\"}");

  private static final byte[] STREAM =
      join(
          EventStreamFrames.chunk(
              "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7}}}"),
          EventStreamFrames.event("initial-response", "{}"),
          EventStreamFrames.chunk(
              "{\"type\":\"content_block_delta\",\"delta\":{\"text\":\"h\u00e9\\n\"}}"),
          LAST);

  private static final String EVENTS =
      "event: message_start\n"
          + "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7}}}\n\n"
          + "event: content_block_delta\n"
          + "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"h\u00e9\\n\"}}\n\n"
          + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

  static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static String decode(byte[]... parts) throws IOException {
    EventStreamDecoder decoder = new EventStreamDecoder();
    StringBuilder events = new StringBuilder();
    for (byte[] part : parts) {
      decoder.feed(part, 0, part.length);
      read(decoder, events);
    }
    decoder.end();
    return events.toString();
  }

  private static void read(EventStreamDecoder decoder, StringBuilder events) throws IOException {
    for (byte[] event = decoder.next(); event != null; event = decoder.next()) {
      events.append(new String(event, UTF_8));
    }
  }

  @Test
  void chunks_become_events_and_other_events_are_dropped() throws IOException {
    assertEquals(EVENTS, decode(STREAM));
  }

  @Test
  void a_stream_split_at_any_byte_gives_the_same_events() throws IOException {
    for (int cut = 0; cut <= STREAM.length; cut++) {
      byte[] head = Arrays.copyOf(STREAM, cut);
      byte[] tail = Arrays.copyOfRange(STREAM, cut, STREAM.length);
      assertEquals(EVENTS, decode(head, tail), "cut at " + cut);
    }
  }

  @Test
  void a_stream_fed_byte_by_byte_gives_the_same_events() throws IOException {
    byte[][] single = new byte[STREAM.length][];
    for (int n = 0; n < STREAM.length; n++) {
      single[n] = new byte[] {STREAM[n]};
    }
    assertEquals(EVENTS, decode(single));
  }

  @Test
  void complete_events_before_damage_are_delivered_first() {
    for (int bit = 0; bit < 8 * LAST.length; bit++) {
      byte[] damaged = STREAM.clone();
      damaged[STREAM.length - LAST.length + bit / 8] ^= (byte) (1 << (bit % 8));
      EventStreamDecoder decoder = new EventStreamDecoder();
      decoder.feed(damaged, 0, damaged.length);
      StringBuilder events = new StringBuilder();
      assertThrows(
          EventStreamException.class,
          () -> {
            read(decoder, events);
            decoder.end();
          },
          "bit " + bit);
      assertEquals(EVENTS.substring(0, EVENTS.indexOf("event: message_stop")), events.toString());
    }
  }

  @Test
  void any_flipped_bit_is_detected() {
    for (int bit = 0; bit < 8 * LAST.length; bit++) {
      byte[] wrong = LAST.clone();
      wrong[bit / 8] ^= (byte) (1 << (bit % 8));
      assertThrows(EventStreamException.class, () -> decode(wrong), "bit " + bit);
    }
  }

  @Test
  void garbage_only_causes_the_declared_exception() {
    Random random = new Random(4711);
    for (int n = 0; n < 2000; n++) {
      byte[] garbage = new byte[12 + random.nextInt(200)];
      random.nextBytes(garbage);
      assertThrows(EventStreamException.class, () -> decode(garbage));
    }
  }

  @Test
  void a_stream_that_ends_within_a_message_is_broken() {
    for (int length = 1; length < STREAM.length; length++) {
      byte[] part = Arrays.copyOf(STREAM, length);
      boolean atBoundary = endsWithMessage(length);
      if (!atBoundary) {
        assertThrows(EventStreamException.class, () -> decode(part), "length " + length);
      }
    }
  }

  private static boolean endsWithMessage(int length) {
    int at = 0;
    while (at < length) {
      at += ByteBuffer.wrap(STREAM, at, 4).getInt();
    }
    return at == length;
  }

  @Test
  void an_oversized_message_is_refused_before_it_arrives() {
    ByteBuffer prelude = ByteBuffer.allocate(12).putInt(EventMessages.MAX_MESSAGE + 1).putInt(0);
    CRC32 crc = new CRC32();
    crc.update(prelude.array(), 0, 8);
    prelude.putInt((int) crc.getValue());
    assertThrows(EventStreamException.class, () -> decode(prelude.array()));
  }

  @ParameterizedTest
  @CsvSource({
    "throttlingException, rate_limit_error",
    "serviceUnavailableException, overloaded_error",
    "validationException, invalid_request_error",
    "modelTimeoutException, timeout_error",
    "modelStreamErrorException, api_error",
    "internalServerException, api_error"
  })
  void an_exception_becomes_an_error_event_and_ends_the_stream(String exception, String type)
      throws IOException {
    byte[] stream =
        join(
            EventStreamFrames.exception(exception, "Too many tokens, \\\"wait\\\"."),
            EventStreamFrames.chunk("{\"type\":\"message_stop\"}"));
    assertEquals(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"Too many"
                .formatted(type)
            + " tokens, \\\"wait\\\".\"}}\n\n",
        decode(stream));
  }

  @Test
  void an_unmodeled_error_becomes_an_error_event() throws IOException {
    assertEquals(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
            + "\"message\":\"it broke\"}}\n\n",
        decode(EventStreamFrames.error("InternalError", "it broke")));
  }

  @Test
  void headers_of_every_type_are_skipped() throws IOException {
    byte[] others =
        new byte[] {
          1, 'a', 0, 1, 'b', 1, 1, 'c', 2, 9, 1, 'd', 3, 9, 9, 1, 'e', 4, 9, 9, 9, 9, //
          1, 'f', 5, 1, 2, 3, 4, 5, 6, 7, 8, 1, 'g', 6, 0, 2, 9, 9, //
          1, 'h', 8, 1, 2, 3, 4, 5, 6, 7, 8, //
          1, 'i', 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
        };
    byte[] usual = EventStreamFrames.chunk("{\"type\":\"ping\"}");
    int headers = ByteBuffer.wrap(usual, 4, 4).getInt();
    byte[] all = join(others, Arrays.copyOfRange(usual, 12, 12 + headers));
    byte[] payload = Arrays.copyOfRange(usual, 12 + headers, usual.length - 4);
    assertEquals(
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        decode(EventStreamFrames.message(all, payload)));
  }

  @Test
  void a_line_break_between_tokens_does_not_break_the_event() throws IOException {
    String events = decode(EventStreamFrames.chunk("{\n\"type\":\r\n\"ping\"\n}"));
    assertEquals("event: ping\ndata: { \"type\":  \"ping\" }\n\n", events);
  }

  @Test
  void a_chunk_without_bytes_and_an_unknown_message_are_refused() {
    assertThrows(EventStreamException.class, () -> decode(EventStreamFrames.event("chunk", "{}")));
    assertThrows(
        EventStreamException.class, () -> decode(EventStreamFrames.event("chunk", "nonsense")));
    assertThrows(
        EventStreamException.class,
        () -> decode(EventStreamFrames.frame(Map.of(":message-type", "surprise"), "{}")));
  }
}
