package relay.leases;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.leases.Repeats.Turn;
import relay.redis.Notes;

/** A call whose turn is over does not disturb a newer one with the same key. */
class RepeatsTest {
  @AutoClose private final NotesOfFleets fleets = new NotesOfFleets();
  private final Notes notes = fleets.of("fleet");
  private final Repeats here = new Repeats(notes);
  private final Repeats there = new Repeats(notes);

  RepeatsTest() throws IOException {}

  private static Turn begin(Repeats at) {
    return at.begin("team", "key", Duration.ZERO, () -> true);
  }

  /** It was taken for lost. */
  private void expire() {
    String name = "idempotency:" + LeaseCall.hash("team\nkey");
    notes.drop(name, notes.read(name).join()).join();
  }

  @Test
  void a_refusal_that_comes_late_leaves_a_newer_call_alone() {
    Turn.First late = assertInstanceOf(Turn.First.class, begin(here));
    assertInstanceOf(Turn.Busy.class, begin(there));
    expire();
    Turn.First newer = assertInstanceOf(Turn.First.class, begin(there));
    late.refused().join();
    assertInstanceOf(Turn.Busy.class, begin(here));
    newer.granted("{}").join();
    late.refused().join();
    assertEquals(new Turn.Answered("{}"), begin(here));
  }

  @Test
  void after_its_own_refusal_the_next_one_asks_anew() {
    assertInstanceOf(Turn.First.class, begin(here)).refused().join();
    assertInstanceOf(Turn.First.class, begin(there));
  }
}
