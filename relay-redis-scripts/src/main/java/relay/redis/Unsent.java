package relay.redis;

/** What Redis must be told, if need be later. Each may be sent again: it counts once. */
sealed interface Unsent {
  record Settle(Lease lease, long inputTokens, long outputTokens) implements Unsent {}

  record Cancel(String id) implements Unsent {}

  /** Used without a lease in Redis. */
  record Owed(String id, String group, Usage usage) implements Unsent {}
}
