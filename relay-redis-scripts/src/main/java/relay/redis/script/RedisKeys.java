package relay.redis.script;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The names of a pool's keys in Redis. All have the pool's hash tag, so they share one Cluster
 * slot.
 */
public final class RedisKeys {
  /**
   * Numbers the form of the state: of the records that only the scripts read. Raise it when one of
   * them changes ({@code StateFormTest} notices). Versions of Relay with different forms do not see
   * each other's state, and divide the limits by their replicas: see {@code
   * fleet/missing_replicas.lua}.
   */
  public static final int FORM = 4;

  public final byte[] state;
  public final byte[] previousState; // of the form before
  public final byte[] nextState; // of the form after
  public final byte[] win;
  public final byte[] leases;
  public final byte[] due;
  public final byte[] later;
  public final byte[] learned;
  public final byte[] quarantine;
  public final byte[] picture;
  public final byte[] summary;
  public final byte[] free;
  public final byte[] replicas;
  public final byte[] estimates;
  public final byte[] breaker;
  public final byte[] probes;
  public final byte[] refused;
  public final byte[] counting;
  public final byte[] budgets;
  public final byte[] pins;
  private final String base;
  private final int form;

  public RedisKeys(String prefix, String pool) {
    this(prefix, pool, FORM);
  }

  public RedisKeys(String prefix, String pool, int form) {
    this.form = form;
    base = prefix + ":{" + pool + "}:";
    state = bytes(of("state", form));
    previousState = bytes(of("state", form - 1));
    nextState = bytes(of("state", form + 1));
    win = bytes(of("win", form));
    leases = bytes(of("leases", form));
    due = bytes(of("due", form));
    later = bytes(of("later", form));
    learned = bytes(base + "learned");
    quarantine = bytes(base + "quarantine");
    picture = bytes(base + "keys");
    summary = bytes(base + "pool");
    free = bytes(base + "free");
    replicas = bytes(base + "replicas");
    estimates = bytes(base + "estimates");
    breaker = bytes(base + "breaker");
    probes = bytes(base + "probes");
    refused = bytes(base + "refused");
    counting = bytes(base + "counting");
    budgets = bytes(base + "budgets");
    pins = bytes(base + "pins");
  }

  /** Names had no form before the fourth. */
  private String of(String name, int form) {
    return base + name + (form < 4 ? "" : ":" + form);
  }

  /** The common prefix of all names. */
  public String base() {
    return base;
  }

  /** Holds the account of a conversation, per model class. */
  public byte[] session(String modelClass, String session) {
    return bytes(base + "session:" + modelClass + ":" + session);
  }

  /** What a quota group served and refused of late. */
  public byte[] evidence(String group) {
    return bytes(base + "evidence:" + group);
  }

  /**
   * The hashes of the part of the map of pins that may hold an id, by its hash: two of what answers
   * showed, two of that beyond a client's share, two of what only requests named.
   */
  public List<byte[]> pins(String hash) {
    String part = base + "pins:" + hash.charAt(0);
    return IntStream.range(0, 6).mapToObj(n -> bytes(part + ":" + n)).toList();
  }

  /** How many pins of the first two of these hashes are of each client. */
  public List<byte[]> pinsOfClients(String hash) {
    String part = base + "pins:" + hash.charAt(0) + ":of:";
    return List.of(bytes(part + 0), bytes(part + 1));
  }

  /** What is known of a response that runs in the background, by the hash of its id. */
  public byte[] background(String hash) {
    return bytes(base + "background:" + hash);
  }

  /** The slots of clients' usage. */
  public byte[][] used(int slots) {
    return IntStream.range(0, slots)
        .mapToObj(slot -> bytes(base + "used:" + slot))
        .toArray(byte[][]::new);
  }

  /** A replica's requests in flight, by client. */
  public byte[] running(String replica) {
    return bytes(base + "running:" + replica);
  }

  /**
   * A ready set: the candidates of one tier and model class, in a large pool.
   *
   * @param shape digest of the plan's keys; replicas with different plans use different sets
   */
  byte[] ready(String shape, String modelClass, String tier) {
    return bytes(base + "ready:" + form + ":" + shape + ":" + modelClass + ":" + tier);
  }

  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  public static String text(byte[] name) {
    return new String(name, StandardCharsets.UTF_8);
  }

  public static byte[] bytes(long number) {
    return Long.toString(number).getBytes(StandardCharsets.ISO_8859_1);
  }
}
