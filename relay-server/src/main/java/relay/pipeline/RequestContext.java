package relay.pipeline;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.metrics.Meters;
import relay.model.HeaderLines;
import relay.model.RelayError;

/** One request on its way: the client, the names it goes by, and the one answer it gets. */
final class RequestContext {
  private static final Logger log = LoggerFactory.getLogger(RequestContext.class);

  /** How many attempts were made until the answer. */
  static final String ATTEMPTS = "x-relay-attempts";

  /** What a client is told whose request still runs when the replica has waited long enough. */
  static final RelayError STOPPING =
      RelayError.unavailable(
          "this replica stops, and the answer was not complete when server.drain_ms was over: send"
              + " the request again");

  private static final String UNKNOWN = "";

  private final ClientExchange client;
  private final String id = RequestIds.next();
  private final Meters meters;
  private final Duration patience;
  private final Runnable onDone;
  private final long startedNanos = System.nanoTime();
  private final AtomicBoolean done = new AtomicBoolean();
  private String provider = UNKNOWN;
  private String model = UNKNOWN;
  private String caller = UNKNOWN;
  private ClientQuota allowance = ClientQuota.NONE;
  private int attempts;
  private long upstreamNanos;
  private boolean goesOn;
  private @Nullable Set<RequestContext> begun;
  private volatile boolean gone;
  private boolean over;
  private @Nullable Runnable onOver;

  /**
   * @param patience how long attempts may begin, if the client does not give up earlier
   */
  RequestContext(ClientExchange client, Meters meters, Duration patience, Runnable onDone) {
    this.client = client;
    this.patience = patience;
    this.meters = meters;
    this.onDone = onDone;
    meters.requestStarted();
  }

  /** Runs the request. An error of Relay's own ends it, and not in silence. */
  void run(Runnable work) {
    try {
      guarded(work);
    } finally {
      if (!goesOn) {
        allowance.end();
      }
    }
  }

  private void guarded(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      log.error("request {} failed inside Relay", id, e);
      client.abort();
      done(500, "relay");
    }
  }

  /**
   * Has the rest of the request run on a thread of its own. From then on the calling one has
   * nothing to do with it any more.
   */
  void continueOnNewThread(Runnable rest) {
    goesOn = true; // first: the other may be done before this comes back
    try {
      client.continueOnNewThread(
          () -> {
            try {
              guarded(rest);
            } finally {
              allowance.end();
            }
          });
    } catch (RuntimeException | Error e) {
      goesOn = false;
      throw e;
    }
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
  void takes(ClientQuota ofClient) {
    allowance = ofClient;
  }

  ClientQuota allowance() {
    return allowance;
  }

  void goesTo(String toProvider, String toModel) {
    provider = toProvider;
    model = toModel;
  }

  /** An attempt begins: its number among all of the request. */
  void attempts(int number) {
    attempts = number;
  }

  String model() {
    return model;
  }

  long startedNanos() {
    return startedNanos;
  }

  /** Until no further attempt may begin; not positive if none may now. */
  Duration timeLeft() {
    return ClientTimeout.of(client.header("x-stainless-timeout"), patience)
        .minusNanos(System.nanoTime() - startedNanos);
  }

  /** Time that was the provider's, not Relay's. */
  void spentUpstream(long nanos) {
    upstreamNanos += nanos;
  }

  /** Answers with an error of Relay's own. */
  void refuse(RelayError error) {
    allowance.end();
    HeaderLines headers = ErrorBodies.headers(error, id);
    if (attempts > 0) {
      headers.add(ATTEMPTS, Integer.toString(attempts));
    }
    client.answer(error.status(), headers, ErrorBodies.body(client.dialect(), error, id));
    done(error.status(), "relay");
  }

  /** Answers with JSON of Relay's own. */
  void answer(byte[] json) {
    client.answer(
        200,
        new HeaderLines()
            .add("content-type", "application/json")
            .add("x-relay-request-id", id)
            .add("request-id", id)
            .add("x-request-id", id),
        json);
    done(200, "relay");
  }

  /** Answers as a whole with what a provider gave. */
  void answer(int status, HeaderLines headers, byte[] body) {
    allowance.end();
    client.answer(status, headers, body);
    done(status, "upstream");
  }

  /** Answers with what came of the request at all providers together. */
  void end(Verdict.Outcome outcome) {
    switch (outcome) {
      case Verdict.Outcome.Own(RelayError error) -> refuse(error);
      case Verdict.Outcome.Passed(Failure.ProviderFailed f) -> {
        // More may have been made after the one that brought this
        f.headers().add(ATTEMPTS, Integer.toString(attempts));
        answer(f.status(), f.headers(), f.body());
      }
    }
  }

  /** Until it is done it is one of these. */
  void joins(Set<RequestContext> running) {
    begun = running;
    running.add(this);
  }

  /** The request is over, however it ended: counted once. */
  void done(int status, String origin) {
    allowance.end();
    if (done.compareAndSet(false, true)) {
      if (begun != null) {
        begun.remove(this);
      }
      long took = System.nanoTime() - startedNanos;
      meters.requestDone(provider, model, status, origin, took, Math.max(0, took - upstreamNanos));
      meters.clients().answered(caller, status);
      meters.requestEnded();
      onDone.run();
    }
  }

  /** It is over before its answer began: the client is told, unless it has left. */
  void leave() {
    if (isCutOff()) {
      refuse(STOPPING);
    } else {
      client.abort();
      done(499, "relay");
    }
  }

  /** The client has left. From any thread. */
  void clientLeft() {
    over(true);
  }

  /** The replica waits for it no longer. From any thread. */
  void cutOff() {
    over(false);
  }

  private void over(boolean left) {
    Runnable callback;
    synchronized (this) {
      gone |= left;
      over = true;
      callback = onOver;
    }
    if (callback != null) {
      callback.run();
    }
  }

  /** What to do when the client leaves, or the replica stops; at once if that has happened. */
  void onCancel(Runnable callback) {
    boolean now;
    synchronized (this) {
      onOver = callback;
      now = over;
    }
    if (now) {
      callback.run();
    }
  }

  /** Whether nothing more is to be done for it: its client has left, or the replica stops. */
  synchronized boolean isOver() {
    return over;
  }

  boolean isGone() {
    return gone;
  }

  /** Whether the replica stops and the client is still there, to be told so. */
  synchronized boolean isCutOff() {
    return over && !gone;
  }
}
