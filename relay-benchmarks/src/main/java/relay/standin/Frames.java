package relay.standin;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;

/** The bytes of the answers, in Anthropic's format. Not thread-safe: buffers are reused. */
final class Frames {
  private static final String PROSE =
      "A pool of keys belongs to all replicas alike. Before a request leaves, room is taken for it"
          + " in one step; when its answer has come, what was taken is put right by what was used."
          + " A caller for whom no key has room hears when one will, to the millisecond, and needs"
          + " to ask only once more. Who reads slowly slows nobody else down, and an answer that"
          + " broke off is told apart from one that is whole. Thus all that was paid for can be"
          + " used, from wherever it is asked for, and the provider has nothing to refuse.";

  private static final String JSON =
      """
      {"id":"msg_01AbCdEfGhIjKlMnOpQrStUv","type":"message","role":"assistant","model":"claude-sonnet-4-5",\
      "content":[{"type":"text","text":"%s"}],"stop_reason":"end_turn","stop_sequence":null,\
      "usage":{"input_tokens":500,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,\
      "output_tokens":120,"service_tier":"standard"}}\
      """
          .formatted(PROSE);

  private static final String STREAM_HEAD =
      """
      HTTP/1.1 200 OK\r
      content-type: text/event-stream; charset=utf-8\r
      cache-control: no-cache\r
      request-id: req_01StandInForAProvider\r
      transfer-encoding: chunked\r
      \r
      """;

  private static final List<String> BEGINNING =
      List.of(
          """
          event: message_start
          data: {"type":"message_start","message":{"id":"msg_01AbCdEfGhIjKlMnOpQrStUv","type":"message",\
          "role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,\
          "stop_sequence":null,"usage":{"input_tokens":500,"cache_creation_input_tokens":0,\
          "cache_read_input_tokens":0,"output_tokens":1}}}

          """,
          """
          event: content_block_start
          data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

          """);

  private static final String STAMP = "0".repeat(19);

  private static final String CONTENT =
      """
      event: content_block_delta
      data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"t=%s and more"}}

      """
          .formatted(STAMP);

  private static final List<String> END =
      List.of(
          """
          event: content_block_stop
          data: {"type":"content_block_stop","index":0}

          """,
          """
          event: message_delta
          data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},\
          "usage":{"output_tokens":120}}

          """,
          """
          event: message_stop
          data: {"type":"message_stop"}

          """);

  private final ByteBuffer json =
      direct(
          "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
              + "request-id: req_01StandInForAProvider\r\ncontent-length: "
              + JSON.length()
              + "\r\n\r\n"
              + JSON);
  private final ByteBuffer streamHead = direct(STREAM_HEAD);
  private final List<ByteBuffer> beginning = BEGINNING.stream().map(Frames::chunk).toList();
  private final ByteBuffer content = chunk(CONTENT);
  private final int stampAt = chunkText(CONTENT).indexOf(STAMP);
  private final List<ByteBuffer> middle = END.subList(0, 2).stream().map(Frames::chunk).toList();
  private final ByteBuffer last = direct(chunkText(END.getLast()) + "0\r\n\r\n");

  /** A complete JSON answer. */
  ByteBuffer json() {
    return json.rewind();
  }

  ByteBuffer streamHead() {
    return streamHead.rewind();
  }

  /** The events before the content. */
  List<ByteBuffer> beginning() {
    beginning.forEach(ByteBuffer::rewind);
    return beginning;
  }

  /** A content event with a time stamp: {@code t=}, nanoseconds since the epoch. */
  ByteBuffer content() {
    Instant now = Instant.now();
    long rest = now.getEpochSecond() * 1_000_000_000L + now.getNano();
    for (int at = stampAt + STAMP.length() - 1; at >= stampAt; at--) {
      content.put(at, (byte) ('0' + rest % 10));
      rest /= 10;
    }
    return content.rewind();
  }

  /** The events after the content, except the last. */
  List<ByteBuffer> end() {
    middle.forEach(ByteBuffer::rewind);
    return middle;
  }

  /** The last event and the end of the answer. */
  ByteBuffer last() {
    return last.rewind();
  }

  private static String chunkText(String text) {
    return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
  }

  private static ByteBuffer chunk(String text) {
    return direct(chunkText(text));
  }

  private static ByteBuffer direct(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }
}
