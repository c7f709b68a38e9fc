package relay.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StampsTest {

  @Test
  void each_stamp_is_found_once_wherever_it_was_split() {
    long written = Instant.now().getEpochSecond() * 1_000_000_000L;
    String event = "{\"text\":\"t=" + written + " and more\"}\n\n";
    byte[] events = (event + "data: t=12 t= t\n" + event).getBytes(US_ASCII);
    for (int cut = 0; cut <= events.length; cut++) {
      List<Long> ages = new ArrayList<>();
      Stamps stamps = new Stamps(ages::add);
      stamps.see(events, 0, cut);
      stamps.see(events, cut, events.length);
      assertEquals(2, ages.size(), "cut at " + cut);
      assertTrue(ages.stream().allMatch(age -> age >= 0), "cut at " + cut);
    }
  }
}
