package relay.upstream;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Queue;

/**
 * Writes what came since the last flush as one: OkHttp hands a request over in segments of 8 KiB,
 * and each would be a system call, and a packet, of its own. Between requests it holds nothing: the
 * room comes from a pool and goes back.
 */
final class GatheringOutput extends OutputStream {
  /** Bytes gathered at most. */
  static final int ROOM = 64 * 1024;

  private static final byte[] NONE = {};

  private final OutputStream socket;
  private final Queue<byte[]> pool;
  private byte[] room = NONE;
  private int length;

  /**
   * @param pool spare rooms; bounded, so some of those that are offered may be lost
   */
  GatheringOutput(OutputStream socket, Queue<byte[]> pool) {
    this.socket = socket;
    this.pool = pool;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int count) throws IOException {
    if (count > ROOM - length) {
      send();
    }
    if (count >= ROOM) {
      socket.write(bytes, offset, count);
      return;
    }
    if (room.length == 0) {
      byte[] spare = pool.poll();
      room = spare == null ? new byte[ROOM] : spare;
    }
    System.arraycopy(bytes, offset, room, length, count);
    length += count;
  }

  @Override
  public void flush() throws IOException {
    send();
    socket.flush();
  }

  private void send() throws IOException {
    if (length > 0) {
      byte[] full = room;
      int count = length;
      room = NONE;
      length = 0;
      socket.write(full, 0, count);
      pool.offer(full);
    }
  }

  @Override
  public void close() throws IOException {
    flush();
    socket.close();
  }
}
