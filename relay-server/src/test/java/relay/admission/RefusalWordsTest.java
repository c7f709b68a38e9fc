package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.model.Dialect;
import relay.model.RelayError;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.Reason;

/** LangChain does not repeat a request if the text of a 429 has one of these words. */
class RefusalWordsTest {
  private static final List<String> WORDS = List.of("billing", "credit balance", "usage quota");

  @ParameterizedTest
  @EnumSource(Reason.class)
  void a_429_that_ends_by_itself_does_not_speak_of_money(Reason reason) {
    for (Dialect dialect : Dialect.values()) {
      RelayError error = RefusalErrors.of(new Exhausted(Duration.ofSeconds(1), reason), dialect);
      assertEquals(429, error.status());
      String message = error.message().toLowerCase(Locale.ROOT);
      WORDS.forEach(word -> assertFalse(message.contains(word), message));
    }
  }
}
