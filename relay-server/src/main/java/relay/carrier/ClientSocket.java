package relay.carrier;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** A client's socket on its carrier; {@link ClientInput} and {@link ClientOutput} are for XNIO. */
final class ClientSocket implements Carrier.Carried {
  private final Carrier carrier;
  private final SocketChannel channel;
  private final ClientConnection connection;
  private final ClientInput input;
  private final ClientOutput output;
  private @Nullable SelectionKey key; // the carrier's

  ClientSocket(Carrier carrier, SocketChannel channel, ClientConnection connection) {
    this.carrier = carrier;
    this.channel = channel;
    this.connection = connection;
    input = new ClientInput(this, connection);
    output = new ClientOutput(this, connection);
  }

  Carrier carrier() {
    return carrier;
  }

  SocketChannel channel() {
    return channel;
  }

  ClientInput input() {
    return input;
  }

  ClientOutput output() {
    return output;
  }

  /** By the carrier. */
  void register() throws IOException {
    key = carrier.keep(channel, SelectionKey.OP_READ, this);
  }

  @Override
  public void ready(SelectionKey selected) {
    int ops = selected.readyOps();
    if ((ops & SelectionKey.OP_READ) != 0) {
      input.ready(selected);
    }
    if ((ops & SelectionKey.OP_WRITE) != 0) {
      output.ready(selected);
    }
  }

  /** By the carrier. */
  void watchFor(int ops) {
    SelectionKey registered = key;
    if (registered != null && registered.isValid()) {
      registered.interestOpsOr(ops);
    }
  }

  void onCarrier(Runnable task) {
    if (Thread.currentThread() == carrier) {
      task.run();
    } else {
      carrier.execute(task);
    }
  }

  /** {@link SocketChannel#shutdownInput} or its counterpart. */
  interface Shutdown {
    SocketChannel run() throws IOException;
  }

  void shutDown(Shutdown direction) throws IOException {
    if (channel.isOpen()) {
      try {
        var _ = direction.run();
      } catch (ClosedChannelException e) {
        // already shut
      }
    }
  }

  static UnsupportedOperationException noWaiting() {
    return new UnsupportedOperationException("a carrier does not wait: set a listener");
  }

  /** Closes the connection, too. */
  @Override
  public void close() {
    connection.abandon();
  }

  /** Closes the socket only: the connection is closed already. */
  void end() {
    onCarrier(
        () -> {
          carrier.forget(this);
          try {
            channel.close();
          } catch (IOException e) {
            // closed either way
          }
        });
  }
}
