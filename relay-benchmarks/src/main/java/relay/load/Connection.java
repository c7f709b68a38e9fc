package relay.load;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/** A connection to the server. It handles one request at a time. */
final class Connection {
  private final SocketChannel channel;
  private final SelectionKey key;
  private final AnswerReader reader;
  private final SentRequests requests;
  private ByteBuffer request;
  private volatile long sinceNanos; // set before the request by the sending thread

  Connection(SocketChannel channel, SelectionKey key, AnswerReader reader, SentRequests requests) {
    this.channel = channel;
    this.key = key;
    this.reader = reader;
    this.requests = requests;
    request = requests.buffer();
  }

  /** The due time of the current request. */
  long sinceNanos() {
    return sinceNanos;
  }

  AnswerReader answer() {
    return reader;
  }

  /** Sends a request. No other may be in progress. */
  void ask(long dueNanos) throws IOException {
    reader.reset();
    requests.next(request);
    send(dueNanos);
  }

  /** Sends this request. No other may be in progress. */
  void ask(ByteBuffer one, long dueNanos) throws IOException {
    reader.reset();
    request = one;
    send(dueNanos);
  }

  private void send(long dueNanos) throws IOException {
    sinceNanos = dueNanos;
    write();
  }

  private void write() throws IOException {
    channel.write(request);
    boolean waits = request.hasRemaining();
    if (waits != ((key.interestOps() & SelectionKey.OP_WRITE) != 0)) {
      key.interestOps(SelectionKey.OP_READ | (waits ? SelectionKey.OP_WRITE : 0));
    }
  }

  /** Reads available bytes; returns whether the answer is complete. */
  boolean ready(byte[] bytes) throws IOException {
    if (key.isWritable()) {
      write();
    }
    if (!key.isReadable()) {
      return false;
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (true) {
      int came = channel.read(buffer.clear());
      if (came < 0) {
        throw new EOFException("the server ended the connection");
      }
      if (came > 0 && reader.feed(bytes, came)) {
        return true;
      }
      if (came < bytes.length) {
        return false;
      }
    }
  }

  void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // the connection is being discarded
    }
  }
}
