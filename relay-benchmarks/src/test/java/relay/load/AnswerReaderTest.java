package relay.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnswerReaderTest {
  private final StringBuilder body = new StringBuilder();
  private final AnswerReader reader =
      new AnswerReader(
          (bytes, from, to) -> body.append(new String(bytes, from, to - from, US_ASCII)));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n05\r\nhello\r\n0\r\na: b\r\n\r\n",
      })
  void an_answer_is_complete_with_its_last_byte_wherever_it_was_split(String answer)
      throws IOException {
    byte[] bytes = answer.getBytes(US_ASCII);
    for (int cut = 1; cut < bytes.length; cut++) {
      reader.reset();
      body.setLength(0);
      assertFalse(reader.feed(bytes, cut), "cut at " + cut);
      byte[] rest = Arrays.copyOfRange(bytes, cut, bytes.length);
      assertTrue(reader.feed(rest, rest.length), "cut at " + cut);
      assertEquals("hello", body.toString(), "cut at " + cut);
      assertEquals(200, reader.status());
      assertEquals(5, reader.bodyBytes());
    }
  }

  @Test
  void an_empty_answer_is_complete_with_its_head() throws IOException {
    byte[] answer =
        "HTTP/1.1 503 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".getBytes(US_ASCII);
    assertTrue(reader.feed(answer, answer.length));
    assertEquals(503, reader.status());
    assertTrue(reader.closes());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "POST / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n",
      })
  void malformed_answers_are_refused(String text) {
    byte[] bytes = text.getBytes(US_ASCII);
    assertThrows(IOException.class, () -> reader.feed(bytes, bytes.length));
  }
}
