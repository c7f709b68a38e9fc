package relay.redis;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * A thread of the program's own that waits for sockets, and can wait for that of Redis among them.
 * A program that has one saves each call two changes of threads: the reply is read where whoever
 * asked goes on.
 */
public interface SocketLoop extends Executor {

  /** The thread. */
  Thread thread();

  /** Runs a task, soon, on the thread. It does not block. From any thread. */
  @Override
  void execute(Runnable task);

  /**
   * Likewise, after so many nanoseconds, or a millisecond later.
   *
   * @return what takes it back, if that comes in time
   */
  Runnable executeAfter(Runnable task, long nanos);

  /** Runs a task that may wait for a lock, anywhere but on the thread itself. From any thread. */
  void begin(Runnable task);

  /**
   * Waits for a channel from now on; for what, its key says, which begins with nothing. On the
   * thread.
   *
   * @param ready is told, on the thread, each time the channel is ready
   */
  SelectionKey register(SelectableChannel channel, Consumer<SelectionKey> ready) throws IOException;
}
