package relay.redis.report;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import relay.redis.lease.Coalescer;

/**
 * News of groups on their way to Redis. While a call is under way one of each group waits, the
 * latest: Redis may be slower than they come. Thread-safe.
 */
final class UnsentNews {
  private static final int MOST_AT_ONCE = 32; // answers of a call: under a millisecond of Redis

  private final Map<String, String> lines = new ConcurrentHashMap<>(); // by group
  private final Coalescer<String> groups;
  private final BiFunction<List<String>, List<String>, CompletableFuture<?>> call;

  /**
   * @param call sends lines, each of the group at the same place
   */
  UnsentNews(BiFunction<List<String>, List<String>, CompletableFuture<?>> call) {
    this.call = call;
    groups = new Coalescer<>(1, MOST_AT_ONCE, this::send);
  }

  void add(String group, String line) {
    if (lines.put(group, line) == null) {
      groups.add(group);
    }
  }

  private CompletableFuture<?> send(List<String> some) {
    return call.apply(
        some, some.stream().map(group -> Objects.requireNonNull(lines.remove(group))).toList());
  }
}
