package relay.redis.walk;

/** A lease that was granted and has not ended; an expired one is not live. */
public final class LeaseModel {
  final String id;
  final String key;
  final String group;
  final long since;
  final long requests;
  final long input;
  final long output;
  long deadline;
  boolean live = true;

  /** Output that was reported as made, and what is expected still to come; -1: charged already. */
  public long made;

  long rest;
  long spread;
  long told;

  /** Whether it is in the queue of changed deadlines. */
  boolean renewed;

  LeaseModel(Wish wish, Choice of, long now, long deadline) {
    this(
        wish.id(),
        of.key().id,
        of.group().id,
        now,
        wish.requests(),
        of.input(),
        of.output(),
        wish.spread(),
        deadline);
  }

  /** Whether a lease lasts until its holder ends it, or its time is over. */
  static boolean lasts(String id) {
    return id.startsWith("@");
  }

  boolean lasts() {
    return lasts(id);
  }

  public LeaseModel(
      String id,
      String key,
      String group,
      long since,
      long input,
      long output,
      long spread,
      long deadline) {
    this(id, key, group, since, 1, input, output, spread, deadline);
  }

  LeaseModel(
      String id,
      String key,
      String group,
      long since,
      long requests,
      long input,
      long output,
      long spread,
      long deadline) {
    this.id = id;
    this.key = key;
    this.group = group;
    this.since = since;
    this.requests = requests;
    this.input = input;
    this.output = output;
    this.deadline = deadline;
    rest = spread < 0 ? -1 : output;
    this.spread = Math.max(0, spread);
    told = since;
  }

  /** Whether its output is made over time. */
  boolean isComing() {
    return rest >= 0;
  }

  /** As decoded from Redis. */
  String name() {
    return id + " " + key + " " + group;
  }
}
