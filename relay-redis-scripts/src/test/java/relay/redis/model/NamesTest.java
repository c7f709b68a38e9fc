package relay.redis.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class NamesTest {
  @Test
  void a_message_names_a_few_of_many_keys() {
    assertEquals("a", Names.few(List.of("a")));
    assertEquals("a, b, c, d", Names.few(List.of("a", "b", "c", "d")));
    assertEquals("k, k, k and 2 more", Names.few(Collections.nCopies(5, "k")));
    assertEquals("k, k, k and 9,997 more", Names.few(Collections.nCopies(10_000, "k")));
  }
}
