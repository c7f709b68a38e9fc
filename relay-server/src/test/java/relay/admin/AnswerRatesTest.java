package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import relay.metrics.ReplicaTotals.Answers;

final class AnswerRatesTest {
  private static final ReplicaIdentity SELF = new ReplicaIdentity("pod-1", "1.0", 5);

  private final AnswerRates rates = new AnswerRates();

  private String after(long requests, long ms) {
    rates.add(new Answers("shared", requests, requests / 10, requests / 5, 2), ms);
    return rates.line(SELF, "shared").text();
  }

  @Test
  void rates_are_means_of_ten_seconds() {
    assertEquals("pod-1 1.0 5 shared 0.0 0.0 0.0 2", after(100, 0));
    assertEquals("pod-1 1.0 5 shared 50.0 10.0 5.0 2", after(200, 2_000));
    for (int n = 2; n <= 5; n++) {
      after(200 + n, 2_000L * n);
    }
    assertEquals("pod-1 1.0 5 shared 0.5 0.1 0.0 2", after(205, 12_000), "the first is forgotten");
  }

  @Test
  void a_counter_that_fell_is_no_traffic() {
    after(100, 0);
    assertEquals("pod-1 1.0 5 shared 0.0 0.0 0.0 2", after(50, 2_000));
  }
}
