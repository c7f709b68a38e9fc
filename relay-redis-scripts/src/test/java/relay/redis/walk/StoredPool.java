package relay.redis.walk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import relay.redis.ScriptConnection;

/** The decoded state hash. Field numbers count from 1, as in Lua. */
public final class StoredPool {
  static final int OFFSET = 2;
  static final int LAST = 3;
  static final int LIVE = 9;
  static final int EXPIRED = 10;
  static final int RECENT = 2;
  static final int COOL = 3;
  public static final int SHRUNK = 5;
  public static final int SHRUNK_AT = 6;
  static final int LIMIT = 6;
  public static final int USED = 10;
  static final int LEVEL = 13;
  static final int COMING = 18;
  static final int LEAVES = 19;
  static final int STRICT = 20;
  static final int CURRENT = 20;
  public static final int FLIGHT = 24;
  static final int STRIKES = 25;
  static final int VARIANCE = 26;
  static final int STRICT_AT = 27;
  static final int TURN = 4;
  static final int OTHERS = 20;
  public static final int KEY_FLIGHT = 1;
  static final int KEY_COOL = 2;
  static final int KEY_STOPPED = 3;
  static final int KEY_PASS = 4;
  private static final int GROUP_NUMBERS = 33;
  private static final int FEW_NUMBERS = 4; // of a closed slot in the record

  /** Used closed slots that a group's record holds; with more all are in the ring. */
  public static final int MOST_FEW = 64;

  private static final int ENTRIES_IN_CHUNK = 32;
  private static final int TOMB_BYTES = 22;
  private static final int LEASE_STATE = 5;
  private static final int EXPIRED_LEASE = 2;

  private final Map<String, double[]> fields = new HashMap<>();

  public StoredPool(Map<byte[], byte[]> hash) {
    hash.forEach((field, value) -> fields.put(ScriptConnection.text(field), doubles(value)));
  }

  /** The record of `pool`, `k:<key>` or `g:<group>`. */
  Optional<double[]> row(String field) {
    return Optional.ofNullable(fields.get(field));
  }

  double[] record(String field) {
    return row(field).orElseThrow(() -> new AssertionError("there is no " + field));
  }

  public double number(String field, int index) {
    return record(field)[index - 1];
  }

  /** The sum of the few closed slots in a group's record, in one dimension (1 to 3). */
  double few(String group, int d) {
    double[] row = record("g:" + group);
    double sum = 0;
    double last = row[RECENT - 1] - GroupModel.SLOTS - 1;
    if (row.length > GROUP_NUMBERS + FEW_NUMBERS * MOST_FEW) {
      throw new AssertionError(group + " has too many slots: " + Arrays.toString(row));
    }
    for (int n = GROUP_NUMBERS; n < row.length; n += FEW_NUMBERS) {
      if (row[n] <= last || row[n] >= row[RECENT - 1] || row[n + d] < 0) {
        throw new AssertionError(group + " has a wrong slot: " + Arrays.toString(row));
      }
      last = row[n];
      sum += row[n + d];
    }
    return sum;
  }

  /** The sum of a group's ring in one dimension (1 to 3): the closed slots. */
  static double closed(Map<byte[], byte[]> win, String group, int d) {
    double sum = 0;
    for (Map.Entry<byte[], byte[]> chunk : win.entrySet()) {
      String name = new String(chunk.getKey(), StandardCharsets.UTF_8);
      if (name.substring(0, name.lastIndexOf(':')).equals(group)) {
        double[] entries = entries(chunk.getValue());
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

  /** The live leases in the hash, each as its id, key and group. */
  static List<String> live(Map<byte[], byte[]> leases) {
    List<String> names = new ArrayList<>();
    leases.forEach(
        (id, record) -> {
          if (record.length == TOMB_BYTES) {
            return;
          }
          String text = new String(record, StandardCharsets.ISO_8859_1);
          int key = text.indexOf(0);
          int group = text.indexOf(0, key + 1);
          double state = doubles(Arrays.copyOfRange(record, group + 1, record.length))[LEASE_STATE];
          if (state != EXPIRED_LEASE) {
            names.add(
                ScriptConnection.text(id)
                    + " "
                    + text.substring(0, key)
                    + " "
                    + text.substring(key + 1, group));
          }
        });
    return names.stream().sorted().toList();
  }

  /** The form of a chunk: doubles, or whole numbers of four bytes. */
  private static double[] entries(byte[] chunk) {
    if (chunk.length == 3 * ENTRIES_IN_CHUNK * Double.BYTES) {
      return doubles(chunk);
    }
    ByteBuffer buffer = ByteBuffer.wrap(chunk).order(ByteOrder.LITTLE_ENDIAN);
    double[] all = new double[chunk.length / Integer.BYTES];
    for (int n = 0; n < all.length; n++) {
      all[n] = Integer.toUnsignedLong(buffer.getInt());
    }
    return all;
  }

  /** The packed record with another number in it. */
  static byte[] with(byte[] record, int index, double number) {
    byte[] changed = record.clone();
    ByteBuffer.wrap(changed)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putDouble((index - 1) * Double.BYTES, number);
    return changed;
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
