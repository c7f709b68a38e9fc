package relay.redis;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What the scripts left in the state hash, decoded. Field numbers count from 1, as in Lua. */
final class StoredPool {
  static final int OFFSET = 2;
  static final int LAST = 3;
  static final int LIVE = 9;
  static final int EXPIRED = 10;
  static final int RECENT = 2;
  static final int COOL = 3;
  static final int LIMIT = 4;
  static final int USED = 8;
  static final int LEVEL = 11;
  static final int CURRENT = 15;
  static final int FLIGHT = 19;
  static final int STRIKES = 20;
  static final int LOW = 20;
  static final int OLD_LOW = 25;
  static final int KEY_FLIGHT = 1;
  static final int KEY_COOL = 2;
  static final int KEY_STOPPED = 3;
  static final int KEY_SEQ = 4;
  private static final int ENTRIES_IN_CHUNK = 16;

  private final Map<String, double[]> fields = new TreeMap<>();

  StoredPool(Map<byte[], byte[]> hash) {
    hash.forEach((field, value) -> fields.put(Wire.text(field), doubles(value)));
  }

  /** The record of `pool`, `k:<key>` or `g:<group>`. */
  Optional<double[]> row(String field) {
    return Optional.ofNullable(fields.get(field));
  }

  double number(String field, int index) {
    return row(field).orElseThrow()[index - 1];
  }

  /** The sum of a group's ring in one dimension (1 to 3): the closed slots. */
  static double closed(Map<byte[], byte[]> win, String group, int d) {
    double sum = 0;
    for (Map.Entry<byte[], byte[]> chunk : win.entrySet()) {
      String name = new String(chunk.getKey(), StandardCharsets.UTF_8);
      if (name.substring(0, name.lastIndexOf(':')).equals(group)) {
        double[] entries = doubles(chunk.getValue());
        if (entries.length != 3 * ENTRIES_IN_CHUNK || Arrays.stream(entries).anyMatch(x -> x < 0)) {
          throw new AssertionError("chunk " + name + ": " + Arrays.toString(entries));
        }
        for (int n = d - 1; n < entries.length; n += 3) {
          sum += entries[n];
        }
      }
    }
    return sum;
  }

  private static double[] doubles(byte[] value) {
    ByteBuffer buffer = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    double[] all = new double[value.length / Double.BYTES];
    for (int n = 0; n < all.length; n++) {
      all[n] = buffer.getDouble();
    }
    return all;
  }
}
