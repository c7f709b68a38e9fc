package relay.pipeline;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;

@Tag("slow")
class KeyProbesThreadTest {
  @Test
  void the_checks_go_on_after_any_throwable() {
    AtomicInteger looks = new AtomicInteger();
    try (KeyProbes probes =
        new KeyProbes(
            () -> {
              if (looks.incrementAndGet() < 3) {
                throw new StackOverflowError("intended by the test");
              }
              return List.of();
            },
            _ -> {
              throw new AssertionError("there is no pool");
            },
            Duration.ofMinutes(1),
            InstantSource.system(),
            Runnable::run)) {
      probes.start();
      Await.until("a third look", () -> looks.get() >= 3);
    }
  }
}
