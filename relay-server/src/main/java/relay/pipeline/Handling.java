package relay.pipeline;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import relay.metrics.Meters;
import relay.model.HeaderLines;
import relay.model.RelayError;

/** One request on its way: the client, the names it goes by, and the one answer it gets. */
final class Handling {
  private static final String UNKNOWN = "";

  private final ClientExchange client;
  private final String id = RequestIds.next();
  private final Meters meters;
  private final Runnable onDone;
  private final long startedNanos = System.nanoTime();
  private final AtomicBoolean done = new AtomicBoolean();
  private String provider = UNKNOWN;
  private String model = UNKNOWN;
  private String caller = UNKNOWN;
  private Allowance allowance = Allowance.UNLIMITED;
  private long upstreamNanos;
  private boolean gone;
  private @Nullable Runnable onGone;

  Handling(ClientExchange client, Meters meters, Runnable onDone) {
    this.client = client;
    this.meters = meters;
    this.onDone = onDone;
    meters.requestStarted();
  }

  ClientExchange client() {
    return client;
  }

  String id() {
    return id;
  }

  Meters meters() {
    return meters;
  }

  /** Whose request it is. */
  void calledBy(String clientName) {
    caller = clientName;
  }

  String caller() {
    return caller;
  }

  /** What it takes of its client's own limits. */
  void takes(Allowance ofClient) {
    allowance = ofClient;
  }

  Allowance allowance() {
    return allowance;
  }

  void goesTo(String toProvider, String toModel) {
    provider = toProvider;
    model = toModel;
  }

  String model() {
    return model;
  }

  long startedNanos() {
    return startedNanos;
  }

  /** Time that was the provider's, not Relay's. */
  void spentUpstream(long nanos) {
    upstreamNanos += nanos;
  }

  /** Answers with an error of Relay's own. */
  void refuse(RelayError error) {
    allowance.end();
    client.answer(
        error.status(),
        ErrorBodies.headers(error, id),
        ErrorBodies.body(client.dialect(), error, id));
    done(error.status(), "relay");
  }

  /** Answers with JSON of Relay's own. */
  void answer(byte[] json) {
    client.answer(
        200,
        new HeaderLines()
            .add("content-type", "application/json")
            .add("x-relay-request-id", id)
            .add("request-id", id),
        json);
    done(200, "relay");
  }

  /** Answers as a whole with what a provider gave. */
  void answer(int status, HeaderLines headers, byte[] body) {
    allowance.end();
    client.answer(status, headers, body);
    done(status, "upstream");
  }

  /** The request is over, however it ended: counted once. */
  void done(int status, String origin) {
    allowance.end();
    if (done.compareAndSet(false, true)) {
      long took = System.nanoTime() - startedNanos;
      meters.requestDone(provider, model, status, origin, took, Math.max(0, took - upstreamNanos));
      meters.clients().answered(caller, status);
      meters.requestEnded();
      onDone.run();
    }
  }

  /** The client has left. From any thread. */
  void clientLeft() {
    Runnable callback;
    synchronized (this) {
      gone = true;
      callback = onGone;
    }
    if (callback != null) {
      callback.run();
    }
  }

  /** What to do when the client leaves; at once if it has left. */
  void whenGone(Runnable callback) {
    boolean now;
    synchronized (this) {
      onGone = callback;
      now = gone;
    }
    if (now) {
      callback.run();
    }
  }

  synchronized boolean isGone() {
    return gone;
  }
}
