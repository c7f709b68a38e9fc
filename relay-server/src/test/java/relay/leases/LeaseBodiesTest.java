package relay.leases;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.body.Payload;
import relay.config.ClientPriority;
import relay.redis.model.Demand;

/** What a worker may write, and what it is told otherwise. */
class LeaseBodiesTest {
  private static LeaseCall read(String json) throws BadCallException {
    return LeaseCall.of(CallBody.of(Payload.of(json.getBytes(UTF_8))), "team");
  }

  @Test
  void a_short_call_has_defaults() throws BadCallException {
    LeaseCall call =
        read("{\"model\":\"m\",\"input_tokens\":7,\"later\":{\"x\":1},\"session\":null}");
    assertEquals(7, call.inputTokens());
    assertEquals(-1, call.outputTokens());
    assertEquals(-1, call.maxOutputTokens());
    assertEquals(1, call.requests());
    assertEquals(Duration.ofMinutes(1), call.ttl());
    assertEquals(Duration.ZERO, call.maxWait(Duration.ofDays(1)));
    assertEquals("", call.session());
  }

  @Test
  void a_long_call_is_read_whole() throws BadCallException {
    LeaseCall call =
        read(
            """
            {"model":"m","input_bytes":9,"max_tokens":8,"output_tokens":3,"session":"s",
             "priority":"batch","avoid":["a","b"],"wait_ms":5,"ttl_ms":900000,"requests":1000,
             "partial":true,"idempotency_key":"k"}\
            """);
    assertEquals(9, call.inputBytes());
    assertEquals(8, call.maxOutputTokens());
    assertEquals(3, call.outputTokens());
    assertEquals(32, call.session().length());
    assertEquals(ClientPriority.BATCH, call.priority());
    assertEquals(2, call.avoid().size());
    assertEquals(Duration.ofMillis(5), call.maxWait(Duration.ZERO));
    assertEquals(Duration.ofMinutes(15), call.ttl());
    assertNotEquals(0, call.mark());
    Demand asked = call.asked(Demand.of("c", 1, 1));
    assertEquals(1_000, asked.requests());
    assertNotEquals(asked.lasting(), call.asked(asked).lasting(), "each question has its own id");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]|must be a JSON object",
        "nonsense|is not JSON",
        "{\"input_tokens\":1}|model is missing",
        "{\"model\":\"\",\"input_tokens\":1}|model is missing",
        "{\"model\":5,\"input_tokens\":1}|model must be a text",
        "{\"model\":\"m\"}|give input_tokens",
        "{\"model\":\"m\",\"model\":\"n\",\"input_tokens\":1}|is not JSON",
        "{\"model\":\"m\",\"input_tokens\":1} x|is not JSON",
        "{\"model\":\"m\",\"input_tokens\":-1}|input_tokens must be a whole number",
        "{\"model\":\"m\",\"input_tokens\":1.5}|input_tokens must be a whole number",
        "{\"model\":\"m\",\"input_tokens\":\"1\"}|input_tokens must be a whole number",
        "{\"model\":\"m\",\"input_tokens\":1000000000001}|input_tokens must be a whole number",
        "{\"model\":\"m\",\"input_tokens\":99999999999999999999}|input_tokens must be a whole",
        "{\"model\":\"m\",\"input_tokens\":1,\"ttl_ms\":999}|ttl_ms must be a whole number from"
            + " 1000",
        "{\"model\":\"m\",\"input_tokens\":1,\"ttl_ms\":900001}|from 1000 to 900000",
        "{\"model\":\"m\",\"input_tokens\":1,\"requests\":0}|requests must be a whole number from"
            + " 1",
        "{\"model\":\"m\",\"input_tokens\":1,\"requests\":1001}|from 1 to 1000",
        "{\"model\":\"m\",\"input_tokens\":1,\"wait_ms\":-1}|wait_ms must be",
        "{\"model\":\"m\",\"input_tokens\":1,\"partial\":1}|partial must be true or false",
        "{\"model\":\"m\",\"input_tokens\":1,\"priority\":\"high\"}|priority must be interactive",
        "{\"model\":\"m\",\"input_tokens\":1,\"avoid\":\"a\"}|avoid must be a list",
        "{\"model\":\"m\",\"input_tokens\":1,\"avoid\":[1]}|avoid must be a text",
      })
  void a_wrong_call_is_told_what_is_wrong(String json, String told) {
    String message = assertThrows(BadCallException.class, () -> read(json)).toString();
    assertTrue(message.contains(told), message);
  }
}
