package relay.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import relay.metrics.ReplicaTotals.Histogram;

class ServedTimesTest {
  @Test
  void first_bytes_and_ends_are_of_the_same_requests() {
    ServedTimes times = new ServedTimes();
    for (int millis : List.of(1, 5, 90, 450, 2_400, 400_000)) {
      long end = TimeUnit.MILLISECONDS.toNanos(millis);
      times.record(end / 2, end);
    }
    Histogram first = times.firstBytes();
    Histogram ends = times.ends();
    assertEquals(6, first.total());
    assertEquals(6, ends.total());
    assertEquals(first.seconds(), ends.seconds());
    assertEquals(2, ends.counts().getFirst(), "up to 5 ms");
    assertEquals(5, ends.counts().getLast(), "one is longer than the last bucket");
    for (int n = 0; n < ends.counts().size(); n++) {
      assertTrue(first.counts().get(n) >= ends.counts().get(n));
    }
  }
}
