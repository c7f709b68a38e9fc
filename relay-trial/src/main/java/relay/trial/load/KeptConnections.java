package relay.trial.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import relay.trial.load.PlainConnection.Answer;

/**
 * A load's connections to the replicas. Each is used again, unless the replica closes it, or may be
 * about to because it was idle for long.
 */
final class KeptConnections implements AutoCloseable {
  /** Bytes kept of an answer's end: enough for the last event of a stream. */
  private static final int KEEP_BYTES = 512;

  /** Some servers close a connection that rests for two seconds. */
  private static final long MOST_REST_NANOS = 1_000_000_000;

  private record Resting(PlainConnection connection, long sinceNanos) {}

  private final List<InetSocketAddress> replicas;
  private final List<Deque<Resting>> idle = new ArrayList<>();

  KeptConnections(List<InetSocketAddress> replicas) {
    this.replicas = replicas;
    replicas.forEach(_ -> idle.add(new ConcurrentLinkedDeque<>()));
  }

  /** Sends a request, and counts it and its answer. */
  Answer exchange(int replica, byte[] request, LoadTally tally) throws IOException {
    tally.sending();
    PlainConnection connection = connection(replica);
    boolean reusable = false;
    try {
      Answer answer = connection.exchange(request);
      tally.answered(replica, answer);
      reusable = !answer.header("connection").equalsIgnoreCase("close");
      return answer;
    } finally {
      if (reusable) {
        idle.get(replica).addFirst(new Resting(connection, System.nanoTime()));
      } else {
        connection.close();
      }
    }
  }

  /** The one that rested shortest, or a new one. */
  private PlainConnection connection(int replica) throws IOException {
    Resting last = idle.get(replica).pollFirst();
    if (last != null && System.nanoTime() - last.sinceNanos() < MOST_REST_NANOS) {
      return last.connection();
    }
    for (; last != null; last = idle.get(replica).pollFirst()) {
      last.connection().close(); // the others rested longer
    }
    return new PlainConnection(replicas.get(replica), KEEP_BYTES);
  }

  /** Closes those that are idle. */
  @Override
  public void close() {
    idle.forEach(connections -> connections.forEach(resting -> resting.connection().close()));
  }
}
