package relay.endtoend;

import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.CostBound;
import relay.load.Question;

/** The cost of a request in a whole replica, by {@link CountedStage}. */
@Tag("slow")
final class RequestCostTest {
  private static CountedStage plain;

  @BeforeAll
  static void start() throws IOException {
    plain = new CountedStage(ProviderLine.PLAIN);
  }

  @AfterAll
  static void stop() throws IOException {
    plain.close();
  }

  @Test
  void a_request_allocates_little_and_asks_redis_once() throws IOException {
    CountedStage.Figures figures = plain.measure(Question.ofJson(2_048));
    CostBound.REQUEST_2_KB.hold(figures.bytes());
    CostBound.READS_AND_WRITES.hold(figures.systemCalls());
    CostBound.REDIS_CALLS.hold(figures.calls());
    CostBound.REDIS_COMMANDS.hold(figures.commands());
  }

  @Test
  void a_large_request_allocates_little_beyond_its_own_bytes() throws IOException {
    CostBound.REQUEST_50_KB.hold(plain.measure(Question.ofJson(51_200)).bytes());
  }

  @Test
  void a_stream_allocates_little_for_its_events() throws IOException {
    CostBound.REQUEST_30_EVENTS.hold(plain.measure(Question.ofEvents(2_048, 30)).bytes());
  }

  @Test
  void tls_to_the_provider_adds_little() throws IOException {
    try (CountedStage tls = new CountedStage(ProviderLine.H1)) {
      CostBound.REQUEST_2_KB_BY_TLS.hold(tls.measure(Question.ofJson(2_048)).bytes());
      CostBound.REQUEST_30_EVENTS_BY_TLS.hold(tls.measure(Question.ofEvents(2_048, 30)).bytes());
    }
  }
}
