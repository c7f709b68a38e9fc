package relay.redis.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import relay.redis.library.ScriptFile;

/** How often a call in a Cluster is sent on. */
final class PendingCallTest {
  private final PendingCall call =
      new PendingCall(ScriptFile.ACQUIRE, new byte[][] {{1}}, new byte[][] {{2}});

  private int redirections() {
    int count = 0;
    while (call.redirects()) {
      count++;
    }
    return count;
  }

  @Test
  void redirections_are_bounded_and_count_anew_while_keys_move() {
    assertEquals(PendingCall.MAX_REDIRECTIONS, redirections());
    assertTrue(call.triesAgain(Long.MAX_VALUE));
    assertEquals(PendingCall.MAX_REDIRECTIONS, redirections());
  }

  @Test
  void moving_keys_are_waited_for_as_long_as_an_answer_and_no_longer() {
    assertTrue(call.triesAgain(Long.MAX_VALUE));
    assertFalse(call.triesAgain(0));
    call.cancel(false);
    assertFalse(call.triesAgain(Long.MAX_VALUE));
    assertFalse(call.redirects());
  }
}
