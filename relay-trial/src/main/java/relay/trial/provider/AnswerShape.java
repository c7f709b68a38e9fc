package relay.trial.provider;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.undertow.util.HeaderMap;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Writes the answers, errors and limits of a dialect as text. */
sealed interface AnswerShape permits AnthropicShape, OpenAiApi {

  /** A whole answer. */
  String json(String id, RequestFields fields, long inputTokens, long outputTokens);

  /** Number of events of a stream with this many content events. */
  int eventCount(int contentEvents, RequestFields fields);

  /** The event at {@code index}, as bytes of the stream. */
  String event(int index, int contentEvents, String id, RequestFields fields, Script script);

  /** The number of content events up to and including the event at {@code index}. */
  int contentEventsThrough(int index, int contentEvents, RequestFields fields);

  /** An error inside a stream. */
  String errorEvent();

  /** An error's body. */
  String error(int status, String message, String id);

  /** The body of a 429; {@code dimension} null = the account's budget is spent. */
  String limited(@Nullable String dimension, String id);

  /** The name of the header with the request id. */
  String idHeader();

  /** Adds the limits to the headers, as the provider does with every answer. */
  void addLimits(HeaderMap headers, AccountLedger.Gauges gauges, Instant now);

  /** Output tokens charged at admission. */
  long outputUpFront(RequestFields fields);

  /** Output tokens of an answer. */
  default long outputTokens(Script script) {
    return script.outputTokens();
  }

  /** Whether the endpoint can stream. */
  default boolean streams() {
    return true;
  }

  /** Quotes a string for JSON. */
  static String quote(String text) {
    return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
  }
}
