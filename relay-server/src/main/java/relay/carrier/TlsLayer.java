package relay.carrier;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * TLS between a connection and its socket. It reads without blocking, as the socket does, and
 * writes all bytes. One thread may read and one may write at a time.
 *
 * <p>Each call takes buffers from a pool. Between calls, a buffer is held only for a part of a
 * record, or for content that the reader had no room for.
 */
final class TlsLayer {
  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private final TlsEngines engines;
  private final SSLEngine engine;
  private final SocketChannel channel;
  private final GatheringOutput.Sink socket;
  private final TlsBuffers buffers;
  private final AtomicBoolean over = new AtomicBoolean();

  // The reader's
  private @Nullable ByteBuffer received; // encrypted bytes, up to its position
  private @Nullable ByteBuffer content; // from its position on
  private boolean mayHoldRecord; // among the received bytes
  private boolean socketDrained;
  private boolean ended; // by the peer's close_notify
  private boolean cut; // the socket has ended

  /**
   * @param socket writes all bytes to the channel; may block
   */
  TlsLayer(
      TlsEngines engines,
      SSLEngine engine,
      SocketChannel channel,
      GatheringOutput.Sink socket,
      TlsBuffers buffers) {
    this.engines = engines;
    this.engine = engine;
    this.channel = channel;
    this.socket = socket;
    this.buffers = buffers;
  }

  /**
   * Continues the handshake.
   *
   * @return whether it is complete; if not, it needs bytes that have not arrived
   */
  boolean shakeHands() throws IOException {
    while (true) {
      switch (engine.getHandshakeStatus()) {
        case FINISHED, NOT_HANDSHAKING -> {
          return true;
        }
        case NEED_TASK -> runTasks();
        case NEED_WRAP -> sendRecord();
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
          receive(NOTHING, true);
          if (ended || cut) {
            throw new SSLHandshakeException("the peer closed the connection in the handshake");
          }
          if (engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP) {
            return false;
          }
        }
      }
    }
  }

  private void sendRecord() throws IOException {
    ByteBuffer to = buffers.sent().take();
    try {
      engine.wrap(NOTHING, to);
      socket.write(to.flip());
    } finally {
      buffers.sent().giveBack(to);
    }
  }

  private void runTasks() {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  /**
   * Reads content that has arrived.
   *
   * @return the number of bytes; 0 if there are none; -1 at the end
   */
  int read(ByteBuffer target) throws IOException {
    int before = target.position();
    takeContent(target);
    if (target.position() == before && !ended) {
      receive(target, false);
    }
    int n = target.position() - before;
    if (n == 0 && cut && !ended) {
      throw new SSLException("the peer closed the connection without close_notify");
    }
    return n == 0 && ended ? -1 : n;
  }

  private void takeContent(ByteBuffer target) {
    ByteBuffer from = content;
    if (from != null) {
      move(from, target);
      if (!from.hasRemaining()) {
        content = null;
        buffers.content().giveBack(from);
      }
    }
  }

  private static void move(ByteBuffer from, ByteBuffer to) {
    int n = Math.min(from.remaining(), to.remaining());
    to.put(to.position(), from, from.position(), n).position(to.position() + n);
    from.position(from.position() + n);
  }

  /** Reads the socket until there is content, or no more input. */
  private void receive(ByteBuffer target, boolean handshaking) throws IOException {
    int before = target.position();
    ByteBuffer from = received == null ? buffers.received().take() : received;
    received = null;
    try {
      boolean needsInput = decrypt(from, target, handshaking);
      while (needsInput && target.position() == before && fill(from)) {
        needsInput = decrypt(from, target, handshaking);
      }
      mayHoldRecord = !needsInput && from.position() > 0;
    } finally {
      if (from.position() > 0) {
        received = from;
      } else {
        buffers.received().giveBack(from);
      }
    }
  }

  private boolean fill(ByteBuffer from) throws IOException {
    int room = from.remaining();
    if (room == 0) {
      throw new SSLException("a record of TLS is too long");
    }
    int n = channel.read(from);
    socketDrained = n < room;
    cut = n < 0;
    return n > 0;
  }

  /**
   * Decrypts records until the target is full.
   *
   * @return whether to go on it needs bytes that have not been received
   */
  private boolean decrypt(ByteBuffer from, ByteBuffer target, boolean handshaking)
      throws IOException {
    if (from.position() == 0 && !handshaking) {
      return true;
    }
    ByteBuffer to = buffers.content().take();
    from.flip();
    try {
      while (handshaking || (from.hasRemaining() && target.hasRemaining())) {
        SSLEngineResult result = engine.unwrap(from, to.clear());
        move(to.flip(), target);
        if (to.hasRemaining()) {
          content = to;
          return false;
        }
        if (result.getStatus() != Status.OK) {
          return needsInput(result.getStatus());
        }
        HandshakeStatus next = result.getHandshakeStatus();
        if (handshaking && next != HandshakeStatus.NEED_UNWRAP) {
          return false;
        }
        if (next == HandshakeStatus.NEED_TASK) {
          runTasks();
          next = engine.getHandshakeStatus();
        } else if (result.bytesConsumed() == 0) {
          throw new SSLException("the peer wants to renegotiate");
        }
        if (!handshaking && wantsMore(next)) {
          throw new SSLException("the peer wants to renegotiate, or has sent a broken record");
        }
      }
      return !from.hasRemaining();
    } finally {
      from.compact();
      if (content == null) {
        buffers.content().giveBack(to);
      }
    }
  }

  /** Whether an engine that has completed its handshake begins another, or has an alert to send. */
  private boolean wantsMore(HandshakeStatus next) {
    return next == HandshakeStatus.NEED_UNWRAP
        || (next == HandshakeStatus.NEED_WRAP && !engines.mayAnswerLater(engine));
  }

  private boolean needsInput(Status status) throws SSLException {
    if (status == Status.BUFFER_OVERFLOW) {
      throw new SSLException("the content of a TLS record is too long");
    }
    if (status == Status.CLOSED && over.get()) {
      throw new SSLException("the connection was closed here");
    }
    ended |= status == Status.CLOSED;
    return status == Status.BUFFER_UNDERFLOW;
  }

  /** Whether a read must wait for the socket: nothing is held here. */
  boolean isDrained() {
    return socketDrained && !holdsInput();
  }

  /** Whether a read might return something without the socket. */
  boolean holdsInput() {
    return content != null || mayHoldRecord || ended || cut;
  }

  /** Writes all bytes. Blocks. */
  void write(ByteBuffer bytes) throws IOException {
    ByteBuffer to = buffers.sent().take();
    try {
      while (bytes.hasRemaining()) {
        to.clear();
        do {
          SSLEngineResult result = engine.wrap(bytes, to);
          HandshakeStatus next = result.getHandshakeStatus();
          if (result.getStatus() != Status.OK
              || next == HandshakeStatus.NEED_UNWRAP
              || next == HandshakeStatus.NEED_TASK) {
            throw new SSLException("the TLS connection is closed, or renegotiates");
          }
        } while (bytes.hasRemaining() && to.remaining() >= TlsBuffers.RECORD);
        socket.write(to.flip());
      }
    } finally {
      buffers.sent().giveBack(to);
    }
  }

  /** Takes leave of the peer, if the socket accepts that at once, and frees the engine. */
  void end() {
    if (!over.compareAndSet(false, true)) {
      return;
    }
    try {
      takeLeave();
    } catch (IOException e) {
      // the connection is broken already
    } finally {
      engines.free(engine);
    }
  }

  private void takeLeave() throws IOException {
    ByteBuffer to = buffers.sent().take();
    try {
      engine.closeOutbound();
      engine.wrap(NOTHING, to);
      channel.write(to.flip());
    } finally {
      buffers.sent().giveBack(to);
    }
  }
}
