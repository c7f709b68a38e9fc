package relay.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuestionTest {

  @ParameterizedTest
  @CsvSource({"2048, -1", "2048, 30", "51200, -1", "8191, 1"})
  void a_question_is_json_of_the_requested_length(int bytes, int events) throws IOException {
    Question question = new Question(bytes, events, 0);
    String body = question.body();
    assertEquals(bytes, body.length());
    JsonNode json = new ObjectMapper().readTree(body);
    assertEquals(events >= 0, json.path("stream").asBoolean());
    JsonNode last = json.path("messages").path(json.path("messages").size() - 1);
    assertEquals("user", last.path("role").asText());
    String request = new String(question.bytes(), US_ASCII);
    assertTrue(request.endsWith("\r\n\r\n" + body), request);
    assertTrue(request.contains("\r\ncontent-length: " + bytes + "\r\n"), request);
  }
}
