package relay.trial.provider;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.undertow.util.HeaderMap;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** How a dialect writes answers, errors and limits: text in, text out. */
sealed interface AnswerShape permits AnthropicShape, OpenAiApi {

  /** A whole answer. */
  String json(String id, AskedBody asked, long inputTokens, long outputTokens);

  /** Number of events of a stream with this many content events. */
  int eventCount(int contentEvents, AskedBody asked);

  /** The event at {@code index}, as it goes over the wire. */
  String event(int index, int contentEvents, String id, AskedBody asked, Script script);

  /** How many content events have gone out once the event at {@code index} has. */
  int contentEventsThrough(int index, int contentEvents, AskedBody asked);

  /** An error inside a stream. */
  String errorEvent();

  /** An error's body. */
  String error(int status, String message, String id);

  /** A 429's body; {@code dimension} null = the account's money is spent. */
  String limited(@Nullable String dimension, String id);

  /** The request id's header. */
  String idHeader();

  /** Tells the limits, as the provider does with every answer. */
  void tellLimits(HeaderMap headers, AccountLedger.Gauges gauges, Instant now);

  /** Output tokens that the provider charges when it admits a request. */
  long outputUpFront(AskedBody asked);

  /** Output tokens that an answer has. */
  default long outputTokens(Script script) {
    return script.outputTokens();
  }

  /** Whether the endpoint knows streams. */
  default boolean streams() {
    return true;
  }

  /** Quotes a string for JSON. */
  static String quote(String text) {
    return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
  }
}
