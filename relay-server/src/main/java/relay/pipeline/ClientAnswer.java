package relay.pipeline;

import org.jspecify.annotations.Nullable;
import relay.admission.Cancellation;
import relay.admission.ClientQuota;
import relay.admission.Failure;
import relay.admission.OwnLimits;
import relay.admission.RequestRecord;
import relay.model.HeaderLines;
import relay.model.RelayError;

/**
 * The one answer of a request. Each way to end it gives the client's quota back first: a client may
 * send its next request as soon as it sees the end of this one.
 */
final class ClientAnswer {
  /** Number of attempts before the answer. */
  static final String ATTEMPTS = "x-relay-attempts";

  /** For a request that is still running when the drain time is over. */
  static final RelayError STOPPING =
      RelayError.unavailable(
          "this replica stops, and the answer was not complete when server.drain_ms was over: send"
              + " the request again");

  private final ClientExchange client;
  private final RequestRecord record;
  private final Cancellation cancellation;
  private final RunningRequests running;
  private ClientQuota quota = ClientQuota.NONE;
  private @Nullable OwnLimits own;

  ClientAnswer(
      ClientExchange client,
      RequestRecord record,
      Cancellation cancellation,
      RunningRequests running) {
    this.client = client;
    this.record = record;
    this.cancellation = cancellation;
    this.running = running;
  }

  /**
   * @param ofClient its own limits, which the answer tells; null if it has none
   */
  void limits(@Nullable OwnLimits ofClient) {
    own = ofClient;
  }

  /** Adds the client's own limits to the header lines of its answer. */
  HeaderLines withLimits(HeaderLines headers) {
    if (own != null) {
      own.addTo(headers, client.dialect(), quota.exhausted());
    }
    return headers;
  }

  /** The quota to end before the client sees the end of its answer. */
  void quota(ClientQuota ofClient) {
    quota = ofClient;
  }

  /** Answers with an error of Relay's own. */
  void refuse(RelayError error) {
    quota.end();
    HeaderLines headers = ErrorBodies.headers(error, record.id());
    if (record.attempts() > 0) {
      headers.add(ATTEMPTS, Integer.toString(record.attempts()));
    }
    client.answer(
        error.status(),
        withLimits(headers),
        ErrorBodies.body(client.dialect(), error, record.id()));
    done(error.status(), "relay");
  }

  /** Answers with JSON of Relay's own. */
  void json(byte[] body) {
    HeaderLines headers =
        new HeaderLines()
            .add("content-type", "application/json")
            .add("x-relay-request-id", record.id())
            .add("request-id", record.id())
            .add("x-request-id", record.id());
    client.answer(200, withLimits(headers), body);
    done(200, "relay");
  }

  /** Answers with a provider's complete answer. */
  void passOn(int status, HeaderLines headers, byte[] body) {
    quota.end();
    client.answer(status, withLimits(headers), body);
    done(status, "upstream");
  }

  /** Answers with a provider's error. Further attempts may have followed the one that got it. */
  void passOn(Failure.ProviderFailed failed) {
    HeaderLines headers =
        AnswerHeaders.of(failed.reply(), record.id(), failed.provider(), failed.key())
            .add("x-relay-error-origin", "upstream")
            .add(ATTEMPTS, Integer.toString(record.attempts()));
    passOn(failed.status(), headers, failed.reply().body());
  }

  /** Ends a cancelled request whose answer has not begun. */
  void cancelled() {
    if (cancellation.isCutOff()) {
      refuse(STOPPING);
    } else {
      client.abort();
      done(499, "relay");
    }
  }

  /** Ends the request after an error inside Relay. */
  void failed() {
    try {
      client.abort();
    } finally {
      done(500, "relay");
    }
  }

  /** The answer has ended: counts the request, the first time. */
  void done(int status, String origin) {
    try {
      quota.end();
    } finally {
      if (record.end()) {
        try {
          record.count(status, origin);
        } finally {
          running.leave(cancellation);
        }
      }
    }
  }
}
