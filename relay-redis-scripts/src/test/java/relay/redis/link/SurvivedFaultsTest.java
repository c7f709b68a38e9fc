package relay.redis.link;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SurvivedFaultsTest {
  @Test
  void the_first_fault_is_logged_and_then_one_a_minute_even_if_the_log_fails() {
    AtomicLong nanos = new AtomicLong(Long.MAX_VALUE);
    List<String> lines = new ArrayList<>();
    SurvivedFaults faults =
        new SurvivedFaults(
            "redis-tick",
            (line, fault) -> {
              lines.add(line + ": " + fault.getMessage());
              throw new OutOfMemoryError("intended by the test");
            },
            nanos::get);
    for (int n = 1; n <= 5; n++) {
      int number = n;
      faults.run(
          () -> {
            throw new StackOverflowError("fault " + number);
          });
      nanos.addAndGet(SurvivedFaults.REPEAT_NANOS / 3);
    }
    assertEquals(
        List.of(
            "thread redis-tick goes on after a fault; faults so far: 1: fault 1",
            "thread redis-tick goes on after a fault; faults so far: 4: fault 4"),
        lines);
  }
}
