package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientTimeoutTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  @ParameterizedTest
  @CsvSource(
      nullValues = "none",
      value = {
        "none, 300000",
        "600, 300000",
        "60, 60000",
        "0.5, 500",
        "0, 300000",
        "-1, 300000",
        "1e3, 300000",
        "soon, 300000",
        "99999999999, 300000"
      })
  void a_client_may_say_how_long_it_waits(String stated, long ms) {
    assertEquals(Duration.ofMillis(ms), ClientTimeout.of(stated, LONG));
  }
}
