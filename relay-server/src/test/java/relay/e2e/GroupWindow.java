package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;

/**
 * What Redis holds of a quota group: its window by slot, while few slots are used, and what it
 * expects of open leases. The places are those of {@code state/quota_group.lua}.
 */
final class GroupWindow {
  private static final int SLOT_LENGTH = 6; // in the pool's record
  private static final int RECENT = 2;
  private static final int USED = 10;
  private static final int COMING = 18;
  private static final int CURRENT = 20;
  private static final int IN_FLIGHT = 24;
  private static final int FIELDS = 33;
  private static final int A_SLOT = 4;

  private final long slotMicros;
  private final Map<Long, long[]> slots = new TreeMap<>();
  private final double[] fields;

  private GroupWindow(long slotMicros, double[] fields) {
    this.slotMicros = slotMicros;
    this.fields = fields;
    put(RECENT - 1, CURRENT);
    for (int at = FIELDS; at + A_SLOT <= fields.length; at += A_SLOT) {
      put(at, at + 1);
    }
  }

  static GroupWindow read(RedisSocket redis, String pool, String group) throws IOException {
    String state = redis.list("KEYS", "relay:{" + pool + "}:state*").getFirst();
    double[] fields = unpacked(redis.text("HGET", state, "g:" + group));
    double slot = unpacked(redis.text("HGET", state, "pool"))[SLOT_LENGTH];
    return new GroupWindow((long) slot, fields);
  }

  /** The length of a slot. */
  long slotMicros() {
    return slotMicros;
  }

  /** Requests, input and output by the slot's number. */
  Map<Long, long[]> slots() {
    return slots;
  }

  /** Requests, input and output of the whole window. */
  long[] used() {
    return three(USED);
  }

  /** Output that is expected still to come. */
  double coming() {
    return fields[COMING - 1];
  }

  long inFlight() {
    return (long) fields[IN_FLIGHT - 1];
  }

  private static double[] unpacked(String packed) {
    double[] fields = new double[packed.length() / Double.BYTES];
    ByteBuffer.wrap(packed.getBytes(ISO_8859_1))
        .order(ByteOrder.LITTLE_ENDIAN)
        .asDoubleBuffer()
        .get(fields);
    return fields;
  }

  private void put(int number, int from) {
    slots.put((long) fields[number], three(from));
  }

  private long[] three(int from) {
    return new long[] {(long) fields[from], (long) fields[from + 1], (long) fields[from + 2]};
  }
}
