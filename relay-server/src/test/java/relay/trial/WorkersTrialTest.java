package relay.trial;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.trial.workers.Manner;
import relay.trial.workers.WorkerTally;
import relay.trial.workers.WorkerTally.Count;

/**
 * {@code relay try --workers}, small. What share of the capacity is used depends on the machine.
 */
@Tag("slow")
@Timeout(240)
class WorkersTrialTest {
  private static final int EACH =
      3; // of each manner: one is killed, one is refused, one is neither

  @Test
  void the_provider_refuses_nobody_and_slots_of_killed_workers_come_back() throws Exception {
    int manners = Manner.values().length;
    WorkersPlan plan =
        new WorkersPlan(
            WorkersPlan.of(Duration.ofSeconds(1), 150, 1, 2),
            EACH * manners,
            manners,
            manners,
            Duration.ofSeconds(3));
    ByteArrayOutputStream shown = new ByteArrayOutputStream();
    Style style = new Style(false, Style.Glyphs.ASCII, Style.DEFAULT_WIDTH);
    WorkersResult result;
    try (Terminal terminal = new Terminal(new PrintStream(shown, true, UTF_8), false)) {
      result = new WorkersTrial(plan, terminal, style).run();
    }
    String text = shown.toString(UTF_8);
    assertTrue(result.providerHolds(), text);
    assertTrue(result.injectionHolds(), text);
    assertEquals(manners, result.deaths(), text);
    assertEquals(new LeaseSlots(0, 0, 0), result.slots(), text);
    for (Manner manner : Manner.values()) {
      WorkerTally tally = requireNonNull(result.workers().get(manner), text);
      assertTrue(tally.of(Count.REQUESTS) > 0, text);
      assertTrue(tally.of(Count.LEASES) >= 2, text); // that of the killed one, and the refused one
      assertEquals(manner == Manner.RENEWING, tally.of(Count.RENEWALS) > 0, text);
    }
  }
}
