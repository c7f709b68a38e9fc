package relay.trial.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import relay.trial.load.PlainConnection.Answer;

/** A load's connections to the replicas. Each is used again, unless the replica closes it. */
final class KeptConnections implements AutoCloseable {
  /** Of an answer's end: enough for the last event of a stream. */
  private static final int KEEP_BYTES = 512;

  private final List<InetSocketAddress> replicas;
  private final List<Deque<PlainConnection>> idle = new ArrayList<>();

  KeptConnections(List<InetSocketAddress> replicas) {
    this.replicas = replicas;
    replicas.forEach(_ -> idle.add(new ConcurrentLinkedDeque<>()));
  }

  /** Sends a request, and counts it and its answer. */
  Answer exchange(int replica, byte[] request, LoadTally tally) throws IOException {
    tally.sending();
    PlainConnection connection = idle.get(replica).pollFirst();
    if (connection == null) {
      connection = new PlainConnection(replicas.get(replica), KEEP_BYTES);
    }
    boolean reusable = false;
    try {
      Answer answer = connection.exchange(request);
      tally.answered(replica, answer);
      reusable = !answer.header("connection").equalsIgnoreCase("close");
      return answer;
    } finally {
      if (reusable) {
        idle.get(replica).addFirst(connection);
      } else {
        connection.close();
      }
    }
  }

  /** Closes those that are idle. */
  @Override
  public void close() {
    idle.forEach(connections -> connections.forEach(PlainConnection::close));
  }
}
