package relay.trace;

import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig;
import relay.model.Endpoint;
import relay.model.TokenUsage;

/**
 * The spans of one request: itself, each question for a key, and each attempt. One thread at a time
 * uses it.
 */
public interface RequestTrace {

  /** The outcome of a question that was answered with a key. */
  String GRANTED = "granted";

  /**
   * One attempt.
   *
   * @param endpoint null if the request passes unread
   * @param model the model's name at the provider; empty if unknown
   * @param number among all attempts of the request, from 1
   */
  record Attempt(
      ProviderConfig provider,
      @Nullable Endpoint endpoint,
      String method,
      String model,
      boolean stream,
      String key,
      int number) {}

  /** Whether a client's header is replaced by those of {@link #propagate}. */
  static boolean replaces(String lowerCaseName) {
    return lowerCaseName.equals("traceparent") || lowerCaseName.equals("tracestate");
  }

  /**
   * A key was granted or refused.
   *
   * @param outcome {@link #GRANTED}, or the reason in one word
   * @param waitedNanos for the answer
   */
  void acquired(String provider, String outcome, long waitedNanos);

  /** An attempt begins. */
  void attempt(Attempt next);

  /** Passes the header lines with which the provider continues the trace of the attempt. */
  void propagate(BiConsumer<String, String> headers);

  /** The provider's status has arrived. */
  void answered(int status);

  /**
   * What the provider reported.
   *
   * @param model empty if unknown
   */
  void reported(String model, TokenUsage usage);

  /** The attempt fails, for a reason in one word. The first reason counts. */
  void failed(String errorType);

  /** The attempt has ended without an answer for the client. */
  void attemptEnded();

  /** It is a call about a lease, whose id begins so. */
  void ofLease(String shortId);

  /**
   * The request has ended, and with it its last attempt.
   *
   * @param status 499 if the client has left
   * @param origin who made the answer
   */
  void end(int status, String origin, String client, int attempts);
}
