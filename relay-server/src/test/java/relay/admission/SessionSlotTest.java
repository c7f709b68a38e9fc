package relay.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import org.junit.jupiter.api.Test;
import relay.model.Sha256;

/**
 * A client invents as many conversations as it likes: Redis keeps a bounded number of places for
 * it.
 */
class SessionSlotTest {
  private static String session(String name) {
    return HexFormat.of().formatHex(Sha256.begin().digest(name.getBytes(UTF_8)), 0, 16);
  }

  @Test
  void many_conversations_of_a_client_have_few_places_and_none_of_anothers() {
    Set<String> flood = new HashSet<>();
    for (int n = 0; n < 60_000; n++) {
      flood.add(SessionSlot.of("flood", session("junk " + n)));
    }
    assertEquals(SessionSlot.SLOTS, flood.size());
    for (int n = 0; n < 40; n++) {
      String place = SessionSlot.of("bystander", session("conversation " + n));
      assertTrue(place.matches("[0-9a-f]{1,16}-[0-9a-f]{3}"), place);
      assertTrue(!flood.contains(place), place);
      assertEquals(place, SessionSlot.of("bystander", session("conversation " + n)));
    }
  }

  @Test
  void a_request_without_a_conversation_has_no_place() {
    assertEquals("", SessionSlot.of("client", ""));
  }
}
