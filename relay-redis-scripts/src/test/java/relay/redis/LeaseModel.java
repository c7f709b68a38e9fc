package relay.redis;

/** A lease that was granted and has not ended; an expired one is not live. */
final class LeaseModel {
  final String id;
  final String key;
  final String group;
  final long since;
  final long requests;
  final long input;
  final long output;
  long deadline;
  boolean live = true;

  /** Whether it is in the queue of changed deadlines. */
  boolean renewed;

  LeaseModel(
      String id, String key, String group, long since, long input, long output, long deadline) {
    this(id, key, group, since, 1, input, output, deadline);
  }

  LeaseModel(
      String id,
      String key,
      String group,
      long since,
      long requests,
      long input,
      long output,
      long deadline) {
    this.id = id;
    this.key = key;
    this.group = group;
    this.since = since;
    this.requests = requests;
    this.input = input;
    this.output = output;
    this.deadline = deadline;
  }

  /** As decoded from Redis. */
  String name() {
    return id + " " + key + " " + group;
  }
}
