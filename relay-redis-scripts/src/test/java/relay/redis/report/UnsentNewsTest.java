package relay.redis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class UnsentNewsTest {
  private final CompletableFuture<Void> slow = new CompletableFuture<>();
  private final List<List<String>> sent = new ArrayList<>();
  private final UnsentNews news =
      new UnsentNews(
          (groups, lines) -> {
            sent.add(lines);
            return slow;
          });

  @Test
  void the_first_is_sent_at_once() {
    news.add("a", "a 1");
    assertEquals(List.of(List.of("a 1")), sent);
  }

  @Test
  void a_slow_redis_lets_the_latest_of_each_group_wait() {
    for (int n = 0; n < 10_000; n++) {
      news.add("a", "a " + n);
      news.add("b", "b " + n);
    }
    var _ = slow.complete(null);
    assertEquals(List.of(List.of("a 0"), List.of("b 9999", "a 9999")), sent);
  }
}
