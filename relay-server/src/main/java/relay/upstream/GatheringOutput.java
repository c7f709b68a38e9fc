package relay.upstream;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;

/**
 * Writes what came since the last flush as one: OkHttp hands a request over in segments of 8 KiB,
 * and each would be a system call, and a packet, of its own. Holds nothing between requests.
 */
final class GatheringOutput extends OutputStream {
  private static final int MOST = 128 * 1024;
  private static final byte[] NOTHING = {};

  private final OutputStream socket;
  private byte[] held = NOTHING;
  private int length;

  GatheringOutput(OutputStream socket) {
    this.socket = socket;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int count) throws IOException {
    if (count > MOST - length) {
      flush();
    }
    if (count >= MOST) {
      socket.write(bytes, offset, count);
      return;
    }
    if (count > held.length - length) {
      int room = Math.max(length + count, Math.min(MOST, 2 * held.length));
      held = Arrays.copyOf(held, room);
    }
    System.arraycopy(bytes, offset, held, length, count);
    length += count;
  }

  @Override
  public void flush() throws IOException {
    if (length > 0) {
      byte[] all = held;
      int count = length;
      held = NOTHING;
      length = 0;
      socket.write(all, 0, count);
    }
    socket.flush();
  }

  @Override
  public void close() throws IOException {
    flush();
    socket.close();
  }
}
