package relay.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SentRequestsTest {
  private static final Question QUESTION = Question.ofJson(1_000);

  private static String next(SentRequests requests, ByteBuffer of) {
    requests.next(of);
    String text = StandardCharsets.US_ASCII.decode(of).toString(); // reads to the end, as a write
    assertEquals(0, of.remaining());
    return text;
  }

  private static String request(String key) {
    return new String(QUESTION.bytes(key), StandardCharsets.US_ASCII);
  }

  @Test
  void clients_ask_by_turns_whichever_connection_sends() {
    SentRequests requests = SentRequests.byTurns(QUESTION, List.of("key-a", "key-b", "key-c"));
    ByteBuffer one = requests.buffer();
    ByteBuffer other = requests.buffer();
    assertEquals(request("key-a"), next(requests, one));
    assertEquals(request("key-b"), next(requests, other));
    assertEquals(request("key-c"), next(requests, one));
    assertEquals(request("key-a"), next(requests, one));
  }

  @Test
  void one_request_is_sent_again_and_again() {
    SentRequests requests = SentRequests.of(QUESTION.bytes("key"));
    ByteBuffer one = requests.buffer();
    assertEquals(request("key"), next(requests, one));
    assertEquals(request("key"), next(requests, one));
  }

  @Test
  void keys_of_different_lengths_have_no_place_in_one_buffer() {
    assertThrows(
        IllegalArgumentException.class,
        () -> SentRequests.byTurns(QUESTION, List.of("key-9", "key-10")));
  }
}
