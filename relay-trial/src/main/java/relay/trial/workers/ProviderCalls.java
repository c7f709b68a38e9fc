package relay.trial.workers;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import relay.trial.load.PlainConnection.Answer;
import relay.trial.load.RequestBytes;

/**
 * A worker's requests to the provider, with its own copy of the key, and the simulator's control.
 */
final class ProviderCalls implements AutoCloseable {
  static final int INPUT_TOKENS = 300;
  static final int OUTPUT_TOKENS = 40;

  /** Pieces of a stream, each with as many output tokens. */
  static final int PIECES = 4;

  private static final int EVENTS_BEFORE = 3; // of an Anthropic stream; the first is not held
  private static final int EVENTS_AFTER = 3;

  private final HttpCalls requests;
  private final HttpCalls control;
  private final String gate;

  /**
   * @param gate a name of its own, by which it paces its streams
   */
  ProviderCalls(InetSocketAddress provider, String gate) {
    requests = new HttpCalls(provider);
    control = new HttpCalls(provider);
    this.gate = gate;
  }

  Answer send(String secret) throws IOException {
    return send(secret, false, "");
  }

  /** A request that the provider refuses, though there is room. */
  Answer sendToBeRefused(String secret) throws IOException {
    return send(secret, false, "\r\nx-sim-fault: 429");
  }

  /** A stream whose pieces come as they are let out. */
  Answer stream(String secret) throws IOException {
    return send(secret, true, "\r\nx-sim-events: " + PIECES + "\r\nx-sim-gate: " + gate);
  }

  /** Lets a piece of the stream out, and what is before it. */
  void letOut(int piece) throws IOException {
    release(piece == 1 ? EVENTS_BEFORE : 1);
  }

  /** Lets the stream end. */
  void letEnd() throws IOException {
    release(EVENTS_AFTER);
  }

  private void release(int events) throws IOException {
    String target = "/sim/release?gate=" + gate + "&events=" + events;
    String call = "POST " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";
    control.exchange(call.getBytes(StandardCharsets.US_ASCII));
  }

  private Answer send(String secret, boolean stream, String more) throws IOException {
    return requests.exchange(
        RequestBytes.scripted(secret, INPUT_TOKENS, OUTPUT_TOKENS, stream, more));
  }

  @Override
  public void close() {
    requests.close();
    control.close();
  }
}
