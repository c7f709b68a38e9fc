package relay.edge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.RejectedExecutionException;
import org.xnio.StreamConnection;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.StreamSourceConduit;

/**
 * The bytes that arrive on an HTTP/2 connection, before Undertow gets them. Undertow reads as long
 * as bytes come, and nothing else would run on the thread meanwhile. So it gets some, and the rest
 * at the thread's next turn.
 */
final class Http2Source extends AbstractStreamSourceConduit<StreamSourceConduit> {
  private static final int TURN_BYTES = 16 * 1024;

  /** The same in small frames: each costs as much as a large one. */
  private static final int TURN_BYTES_OF_SMALL = 2 * 1024;

  private static final int SMALL_FRAME_BYTES = 64;

  private final StreamConnection connection;
  private final Http2Frames frames;
  private final FrameAllowance allowance;
  private final UnfinishedHeads.Head head;
  private int turn = TURN_BYTES_OF_SMALL;
  private int read; // in this turn
  private int inTurn; // frames
  private boolean yields;

  Http2Source(
      StreamConnection connection,
      Http2Frames frames,
      FrameAllowance allowance,
      UnfinishedHeads.Head head) {
    super(connection.getSourceChannel().getConduit());
    this.connection = connection;
    this.frames = frames;
    this.allowance = allowance;
    this.head = head;
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    if (yields || read >= turn) {
      yieldTurn();
      return 0;
    }
    int from = target.position();
    int limit = target.limit();
    target.limit(Math.min(limit, from + turn - read));
    int n;
    try {
      n = next.read(target);
    } finally {
      target.limit(limit);
    }
    if (n > 0) {
      read += n;
      arrived(target, from, n);
    } else if (n == 0) { // all has been read, so nothing waits for the thread
      newTurn();
    }
    return n;
  }

  private void arrived(ByteBuffer bytes, int from, int n) throws IOException {
    head.holds(frames.accept(bytes, from, from + n));
    int all = frames.takeAll();
    inTurn += all;
    if (all > 0 && !allowance.permits(frames.takeHeads(), frames.takeOthers(), System.nanoTime())) {
      throw new IOException("too many frames that are of no request");
    }
  }

  private void yieldTurn() {
    if (yields) {
      return;
    }
    yields = true;
    turn = inTurn * SMALL_FRAME_BYTES > read ? TURN_BYTES_OF_SMALL : TURN_BYTES;
    try {
      connection.getIoThread().execute(this::nextTurn);
    } catch (RejectedExecutionException e) {
      yields = false; // the thread ends, and the connection with it
    }
  }

  private void newTurn() {
    read = 0;
    inTurn = 0;
  }

  private void nextTurn() {
    yields = false;
    newTurn();
    if (isReadResumed()) {
      wakeupReads();
    }
  }

  @Override
  public long read(ByteBuffer[] targets, int offset, int length) throws IOException {
    for (int n = offset; n < offset + length; n++) {
      if (targets[n].hasRemaining()) {
        return read(targets[n]);
      }
    }
    return 0;
  }
}
