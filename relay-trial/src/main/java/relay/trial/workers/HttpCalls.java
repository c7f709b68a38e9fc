package relay.trial.workers;

import java.io.IOException;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import relay.trial.load.PlainConnection;
import relay.trial.load.PlainConnection.Answer;

/** One call after the other to an address, over one connection. For one thread at a time. */
final class HttpCalls implements AutoCloseable {
  private static final int KEEP_BYTES = 16 << 10; // all of a small answer

  private final InetSocketAddress address;
  private @Nullable PlainConnection connection;

  HttpCalls(InetSocketAddress address) {
    this.address = address;
  }

  Answer exchange(byte[] request) throws IOException {
    PlainConnection open = connection;
    connection = null;
    if (open == null) {
      open = new PlainConnection(address, KEEP_BYTES);
    }
    boolean reusable = false;
    try {
      Answer answer = open.exchange(request);
      reusable = !answer.header("connection").equalsIgnoreCase("close");
      return answer;
    } finally {
      if (reusable) {
        connection = open;
      } else {
        open.close();
      }
    }
  }

  @Override
  public void close() {
    if (connection != null) {
      connection.close();
    }
  }
}
