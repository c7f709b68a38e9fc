package relay.redis.model;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * A program's own selector thread, which can also serve the connection to Redis. It saves two
 * thread switches per call: the reply is read on the thread that continues the request.
 */
public interface SocketLoop extends Executor {

  /** The loop's thread. */
  Thread thread();

  /** Runs a task soon on the loop's thread. The task must not block. Callable from any thread. */
  @Override
  void execute(Runnable task);

  /**
   * Runs a task on the loop's thread after a delay, up to a millisecond later.
   *
   * @param nanos the delay in nanoseconds
   * @return cancels the task, unless it has begun
   */
  Runnable executeAfter(Runnable task, long nanos);

  /**
   * Runs a task that may block on a lock, on any thread but the loop's. Callable from any thread.
   */
  void begin(Runnable task);

  /**
   * Registers a channel, with an empty interest set; change it through the key. Call it on the
   * loop's thread.
   *
   * @param ready called on the loop's thread each time the channel is ready
   */
  SelectionKey register(SelectableChannel channel, Consumer<SelectionKey> ready) throws IOException;
}
