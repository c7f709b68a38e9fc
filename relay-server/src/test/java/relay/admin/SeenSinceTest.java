package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SeenSinceTest {
  private final SeenSince since = new SeenSince();

  @Test
  void what_lasts_keeps_its_beginning() {
    since.saw("p", List.of(), 1_000);
    since.saw("p", List.of("a"), 2_000);
    since.saw("p", List.of("a", "b"), 3_000);
    assertEquals(2_000, since.of("p", "a"));
    assertEquals(3_000, since.of("p", "b"));
    since.saw("p", List.of("b"), 4_000);
    assertNull(since.of("p", "a"));
    since.saw("p", List.of("a", "b"), 5_000);
    assertEquals(5_000, since.of("p", "a"));
  }

  @Test
  void the_first_look_of_each_place_tells_no_beginning() {
    since.saw("p", List.of("a"), 1_000);
    since.saw("q", List.of("a"), 2_000);
    since.saw("q", List.of("a"), 3_000);
    assertEquals(SeenSince.BEFORE_THE_FIRST_LOOK, since.of("p", "a"));
    assertEquals(SeenSince.BEFORE_THE_FIRST_LOOK, since.of("q", "a"));
    since.retain(Set.of("q"));
    assertNull(since.of("p", "a"));
  }
}
