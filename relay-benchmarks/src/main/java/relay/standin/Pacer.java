package relay.standin;

import java.io.IOException;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/** The thread that writes paced streams: a selector's timeout is too coarse for them. */
final class Pacer {
  private final Queue<PacedStream> arriving = new ConcurrentLinkedQueue<>();
  private final Thread thread = Thread.ofPlatform().daemon().name("pacer").unstarted(this::run);

  void start() {
    thread.start();
  }

  void add(PacedStream stream) {
    arriving.add(stream);
    LockSupport.unpark(thread);
  }

  private void run() {
    Frames frames = new Frames();
    PriorityQueue<PacedStream> streams = new PriorityQueue<>();
    while (true) {
      for (PacedStream come = arriving.poll(); come != null; come = arriving.poll()) {
        streams.add(come);
      }
      PacedStream next = streams.peek();
      if (next == null) {
        LockSupport.park(this);
        continue;
      }
      long early = next.dueNanos() - System.nanoTime();
      if (early > 0) {
        LockSupport.parkNanos(this, early);
        continue;
      }
      streams.remove();
      try {
        if (next.write(frames)) {
          streams.add(next);
        }
      } catch (IOException e) {
        next.close();
      }
    }
  }
}
