package relay;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.util.function.Consumer;
import relay.carrier.CarrierLoop;
import relay.redis.model.SocketLoop;

/** Runs the Redis connection's event loop on a carrier. */
record RedisOnCarrier(CarrierLoop carrier) implements SocketLoop {

  @Override
  public Thread thread() {
    return carrier.thread();
  }

  @Override
  public void execute(Runnable task) {
    carrier.execute(task);
  }

  @Override
  public Runnable executeAfter(Runnable task, long nanos) {
    return carrier.executeAfter(task, nanos);
  }

  @Override
  public void begin(Runnable task) {
    carrier.begin(task);
  }

  @Override
  public SelectionKey register(SelectableChannel channel, Consumer<SelectionKey> ready)
      throws IOException {
    return carrier.register(channel, ready);
  }
}
