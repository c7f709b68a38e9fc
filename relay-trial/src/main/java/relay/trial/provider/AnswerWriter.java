package relay.trial.provider;

import io.undertow.server.HttpServerExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.ChannelListeners;
import org.xnio.IoUtils;
import org.xnio.Options;
import org.xnio.XnioIoThread;
import org.xnio.channels.StreamSinkChannel;

/**
 * Writes one answer part by part from its connection's I/O thread; pauses are timers, so that
 * thousands of paced streams need no thread. Each part is flushed, unless all are written at once.
 */
final class AnswerWriter {
  /** The parts of an answer. Producing a part may charge for it. */
  interface Parts {
    int count();

    byte[] part(int index) throws IOException;

    byte[] errorPart() throws IOException;
  }

  /** The end of an answer. */
  enum Ending {
    COMPLETE,
    FAULT,
    ABORTED
  }

  /** Called once, at the end of the answer. */
  interface EndListener {
    void ended(Ending ending);
  }

  private final HttpServerExchange exchange;
  private final XnioIoThread ioThread;
  private final Parts parts;
  private final Pacing pacing;
  private final StreamGates gates;
  private final @Nullable SimulatedFault fault;
  private final EndListener listener;
  private final StreamSinkChannel sink;
  private final long startNanos = System.nanoTime();
  private ByteBuffer pending = ByteBuffer.allocate(0);
  private int next;
  private boolean passed = true;
  private boolean ending;

  AnswerWriter(
      HttpServerExchange exchange,
      Parts parts,
      Pacing pacing,
      StreamGates gates,
      @Nullable SimulatedFault fault,
      EndListener listener) {
    this.exchange = exchange;
    this.ioThread = exchange.getIoThread();
    this.parts = parts;
    this.pacing = pacing;
    this.gates = gates;
    this.fault = fault;
    this.listener = listener;
    this.sink = exchange.getResponseChannel();
    sink.getWriteSetter().set(_ -> pump());
  }

  /** Writes all parts that are due. Runs in the I/O thread only. */
  void pump() {
    try {
      while (true) {
        if (pending.hasRemaining()) {
          if (sink.write(pending) == 0) {
            sink.resumeWrites();
            return;
          }
        } else if (!sink.flush()) {
          sink.resumeWrites();
          return;
        } else if (ending || next == parts.count()) {
          finish();
          return;
        } else if (fault != null && next > 0 && next >= parts.count() / 2) {
          if (!inject(fault)) {
            return;
          }
        } else if (mayGo()) {
          pending = ByteBuffer.wrap(pacing.atOnce() ? allUntilEnd() : parts.part(next++));
          passed = false;
        } else {
          sink.suspendWrites();
          return;
        }
      }
    } catch (IOException e) {
      IoUtils.safeClose(exchange.getConnection());
      listener.ended(Ending.ABORTED);
    }
  }

  private boolean mayGo() {
    if (next == 0 || passed) {
      return true;
    }
    String gate = pacing.gate();
    if (gate != null) {
      return gates.pass(gate, () -> ioThread.execute(this::resume));
    }
    long dueNanos = startNanos + next * pacing.intervalMs() * 1_000_000;
    long waitNanos = dueNanos - System.nanoTime();
    if (waitNanos <= 0) {
      return true;
    }
    try {
      ioThread.executeAfter(this::resume, waitNanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) { // the provider closes, and ends the connection
      listener.ended(Ending.ABORTED);
    }
    return false;
  }

  private void resume() {
    passed = true;
    pump();
  }

  private byte[] allUntilEnd() throws IOException {
    int end = fault == null ? parts.count() : Math.max(1, parts.count() / 2);
    ByteArrayOutputStream all = new ByteArrayOutputStream(2048);
    while (next < end) {
      all.write(parts.part(next++));
    }
    return all.toByteArray();
  }

  /** Returns whether there is more to write. */
  private boolean inject(SimulatedFault injected) throws IOException {
    switch (injected) {
      case STALL_MID_STREAM -> {
        sink.suspendWrites();
        return false;
      }
      case ERROR_EVENT -> {
        pending = ByteBuffer.wrap(parts.errorPart());
        ending = true;
        return true;
      }
      case RESET_MID_BODY -> {
        exchange.getConnection().setOption(Options.CLOSE_ABORT, true);
        IoUtils.safeClose(exchange.getConnection());
      }
      default -> IoUtils.safeClose(exchange.getConnection());
    }
    listener.ended(Ending.FAULT);
    return false;
  }

  private void finish() throws IOException {
    listener.ended(fault == null ? Ending.COMPLETE : Ending.FAULT);
    sink.shutdownWrites();
    if (!sink.flush()) {
      sink.getWriteSetter().set(ChannelListeners.flushingChannelListener(null, null));
      sink.resumeWrites();
    }
  }
}
