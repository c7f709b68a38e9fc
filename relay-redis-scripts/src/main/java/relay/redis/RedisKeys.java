package relay.redis;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The names of a pool's keys in Redis. All have the pool's hash tag, so they share one Cluster
 * slot.
 */
final class RedisKeys {
  final byte[] state;
  final byte[] win;
  final byte[] leases;
  final byte[] due;
  final byte[] later;
  final byte[] learned;
  final byte[] quarantine;
  final byte[] picture;
  final byte[] summary;
  final byte[] replicas;
  final byte[] estimates;
  final byte[] breaker;
  final byte[] probes;
  final byte[] refused;
  final byte[] counting;
  final byte[] budgets;
  final byte[] pins;
  private final String base;

  RedisKeys(String prefix, String pool) {
    base = prefix + ":{" + pool + "}:";
    state = bytes(base + "state");
    win = bytes(base + "win");
    leases = bytes(base + "leases");
    due = bytes(base + "due");
    later = bytes(base + "later");
    learned = bytes(base + "learned");
    quarantine = bytes(base + "quarantine");
    picture = bytes(base + "keys");
    summary = bytes(base + "pool");
    replicas = bytes(base + "replicas");
    estimates = bytes(base + "estimates");
    breaker = bytes(base + "breaker");
    probes = bytes(base + "probes");
    refused = bytes(base + "refused");
    counting = bytes(base + "counting");
    budgets = bytes(base + "budgets");
    pins = bytes(base + "pins");
  }

  /** The common prefix of all names. */
  String base() {
    return base;
  }

  /** Holds the account of a conversation, per model class. */
  byte[] session(String modelClass, String session) {
    return bytes(base + "session:" + modelClass + ":" + session);
  }

  /** What a quota group served and refused of late. */
  byte[] evidence(String group) {
    return bytes(base + "evidence:" + group);
  }

  /** The two halves of the part of the map of pins that may hold an id, by its hash. */
  List<byte[]> pins(String hash) {
    String part = base + "pins:" + hash.charAt(0);
    return List.of(bytes(part + ":0"), bytes(part + ":1"));
  }

  /** The slots of clients' usage. */
  byte[][] used(int slots) {
    return IntStream.range(0, slots)
        .mapToObj(slot -> bytes(base + "used:" + slot))
        .toArray(byte[][]::new);
  }

  /** A replica's requests in flight, by client. */
  byte[] running(String replica) {
    return bytes(base + "running:" + replica);
  }

  /**
   * A ready set: the candidates of one tier and model class, in a large pool.
   *
   * @param shape digest of the plan's keys; replicas with different plans use different sets
   */
  byte[] ready(String shape, String modelClass, String tier) {
    return bytes(base + "ready:" + shape + ":" + modelClass + ":" + tier);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(byte[] name) {
    return new String(name, StandardCharsets.UTF_8);
  }

  static byte[] bytes(long number) {
    return Long.toString(number).getBytes(StandardCharsets.ISO_8859_1);
  }
}
