package relay.redis;

import java.nio.charset.StandardCharsets;

/** The names of a pool's keys in Redis: all with the pool's hash tag, so in one Cluster slot. */
final class RedisKeys {
  final byte[] state;
  final byte[] win;
  final byte[] leases;
  final byte[] quarantine;
  final byte[] picture;
  final byte[] summary;
  final byte[] replicas;
  final byte[] breaker;
  final byte[] probes;
  final byte[] estimates;
  private final String base;

  RedisKeys(String prefix, String pool) {
    base = prefix + ":{" + pool + "}:";
    state = bytes(base + "state");
    win = bytes(base + "win");
    leases = bytes(base + "leases");
    quarantine = bytes(base + "quarantine");
    picture = bytes(base + "keys");
    summary = bytes(base + "pool");
    replicas = bytes(base + "replicas");
    breaker = bytes(base + "breaker");
    probes = bytes(base + "probes");
    estimates = bytes(base + "estimates");
  }

  byte[] lease(String id) {
    return bytes(base + "lease:" + id);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] bytes(long number) {
    return Long.toString(number).getBytes(StandardCharsets.ISO_8859_1);
  }
}
