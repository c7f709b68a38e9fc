package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HeaderPolicyTest {

  @Test
  void a_connection_that_is_kept_or_closed_names_no_header() {
    assertEquals(Set.of(), HeaderPolicy.connectionNames(List.of()));
    assertEquals(Set.of(), HeaderPolicy.connectionNames(List.of("Keep-Alive", "close")));
  }

  @Test
  void every_line_may_name_headers() {
    assertEquals(
        Set.of("x-a", "x-b", "close", "x-c"),
        HeaderPolicy.connectionNames(List.of("X-A, x-b ,close", "keep-alive", "x-c,X-a")));
  }
}
