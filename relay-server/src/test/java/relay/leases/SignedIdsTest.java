package relay.leases;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.admission.LeaseGrant;
import relay.guards.Await;
import relay.redis.model.LeaseRef;

/** Ids that any replica of a fleet reads, and nobody else can make. */
class SignedIdsTest {
  private static final LeaseRef KEYS =
      new LeaseRef("@ab:1", "acme-1", "acme/default", 1_200, 300, 5, 0, false, 7, 1_764_000_000);
  private static final LeaseRef CLIENTS =
      new LeaseRef("@ab:2", "team", "team/default", 1_200, 300, 3, 77, true, 8, 1_764_000_001);
  private static final LeaseTicket TICKET =
      new LeaseTicket(
          new LeaseGrant("anthropic", KEYS, CLIENTS, true),
          "team",
          "claude-x",
          10,
          -1,
          4_096,
          Duration.ofSeconds(9));

  @AutoClose private final NotesOfFleets notes = new NotesOfFleets();
  private final SignedIds here = ids("fleet");
  private final SignedIds there = ids("fleet");
  private long nanos;

  SignedIdsTest() throws IOException {}

  private SignedIds ids(String fleet) {
    return new SignedIds(new FleetSecret(notes.of(fleet), () -> nanos));
  }

  @Test
  void every_replica_reads_an_id() {
    assertEquals(TICKET, there.read(here.of(TICKET), "team"));
    assertEquals(3, TICKET.grant().requests(), "the fewer of both");
  }

  @Test
  void nobody_else_makes_or_reads_one() {
    String id = here.of(TICKET);
    assertNull(there.read(id, "other"), "another client");
    assertNull(ids("other-fleet").read(id, "team"), "another fleet");
    for (int n = 0; n < id.length(); n++) {
      char other = id.charAt(n) == 'A' ? 'z' : 'A';
      String changed = id.substring(0, n) + other + id.substring(n + 1);
      if (n < id.length() - 1) { // the last letter may have unused bits
        assertNull(there.read(changed, "team"), "letter " + n);
      }
    }
    for (String guess : List.of("", "A", "%20", "é", "A".repeat(22), "A".repeat(5_000))) {
      assertNull(there.read(guess, "team"), guess);
    }
  }

  @Test
  void a_replica_that_knows_the_secret_gives_it_back_to_a_redis_that_lost_it() {
    String id = here.of(TICKET);
    notes.of("fleet").replace("secret", "", Duration.ofSeconds(1)).join(); // as good as lost
    nanos += Duration.ofMinutes(2).toNanos();
    String later = here.of(TICKET);
    SignedIds third = ids("fleet");
    Await.until("Redis has it", () -> TICKET.equals(third.read(id, "team")));
    assertEquals(TICKET, third.read(later, "team"));
  }
}
