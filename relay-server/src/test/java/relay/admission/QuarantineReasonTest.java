package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.pool.QuarantineReason;

class QuarantineReasonTest {

  @ParameterizedTest
  @CsvSource({
    "2026-11-25T16:00:00Z, 2026-12-01T00:00:00Z",
    "2026-12-31T23:59:59Z, 2027-01-01T00:00:00Z",
    "2026-12-01T00:00:00Z, 2027-01-01T00:00:00Z",
    "2028-02-29T12:00:00Z, 2028-03-01T00:00:00Z"
  })
  void a_spend_stop_ends_on_the_first_of_the_next_month(Instant now, Instant end) {
    assertEquals(end, LimitRefusal.nextMonth(now));
    String reason = QuarantineReason.spent(end);
    assertEquals(Optional.of(end), QuarantineReason.end(reason));
    assertFalse(QuarantineReason.mayBeProbed(reason), "its list of models would still be served");
  }

  @Test
  void only_a_refusal_of_the_key_is_probed() {
    assertTrue(QuarantineReason.mayBeProbed(QuarantineReason.refused(401)));
    assertEquals(Optional.empty(), QuarantineReason.end(QuarantineReason.refused(403)));
    for (String other : new String[] {QuarantineReason.quota(), "operator", "", "unknown"}) {
      assertFalse(QuarantineReason.mayBeProbed(other));
      assertEquals(Optional.empty(), QuarantineReason.end(other));
    }
    assertEquals(Optional.empty(), QuarantineReason.end("spend limit reached until tomorrow"));
  }

  /** Relay would probe the key, and restore it against the operator's will. */
  @Test
  void an_operators_words_are_none_of_relays_own_reasons() {
    for (String words :
        new String[] {
          QuarantineReason.refused(401),
          QuarantineReason.spendLimit(),
          QuarantineReason.spent(Instant.EPOCH)
        }) {
      String reason = QuarantineReason.byOperator(words).orElseThrow();
      assertEquals("operator: " + words, reason);
      assertFalse(QuarantineReason.mayBeProbed(reason));
      assertFalse(QuarantineReason.isSpendLimit(reason));
      assertEquals(Optional.empty(), QuarantineReason.end(reason));
    }
    assertEquals(Optional.of("operator"), QuarantineReason.byOperator(" "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\nb", "a\u001b[31mb", "a\u2028b", "a\u202eb", "a\0"})
  void what_acts_on_a_terminal_is_refused(String words) {
    assertEquals(Optional.empty(), QuarantineReason.byOperator(words));
  }

  @Test
  void words_have_a_bound() {
    assertEquals(Optional.empty(), QuarantineReason.byOperator("x".repeat(201)));
    assertTrue(QuarantineReason.byOperator("é".repeat(200)).isPresent());
  }
}
