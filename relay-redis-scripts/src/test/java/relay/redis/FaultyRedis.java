package relay.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import relay.embedded.EmbeddedRedis;

/** A Redis that a test may freeze, kill and start again on the same port. It stores nothing. */
public final class FaultyRedis implements AutoCloseable {
  private volatile EmbeddedRedis redis;

  private FaultyRedis(EmbeddedRedis redis) {
    this.redis = redis;
  }

  public static FaultyRedis start() {
    try {
      return new FaultyRedis(EmbeddedRedis.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String url() {
    return redis.url();
  }

  /** No more answers, but connections stay open and new ones are accepted: like a lost network. */
  void freeze() {
    signal("-STOP");
  }

  void thaw() {
    signal("-CONT");
  }

  /** Ends it at once; connections to its port are refused. */
  public void kill() {
    redis.close();
  }

  /** A new, empty server on the same port. */
  public void startAgain() {
    try {
      redis = EmbeddedRedis.startOn(redis.port());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    kill();
  }

  private void signal(String signal) {
    try {
      int exit = new ProcessBuilder("kill", signal, Long.toString(redis.pid())).start().waitFor();
      if (exit != 0) {
        throw new IllegalStateException("kill " + signal + " failed");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
