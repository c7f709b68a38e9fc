package relay.logging;

import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;
import relay.model.JsonString;

/**
 * What the log says of a request. Names are empty and counts are 0 where a request did not get so
 * far. Nothing of a body or a credential.
 *
 * @param call what a call about leases does, in one word; empty for a request
 * @param lease the first letters of its lease's id
 * @param origin who made the answer: {@code relay} or {@code upstream}
 * @param broken why an answer that had begun is not complete; empty for one that is
 * @param waitNanos until Redis had granted its keys or refused them
 * @param firstByteNanos from the request's arrival to the head of the provider's last answer
 * @param nanos from the request's arrival to the end of its answer
 */
public record RequestLine(
    String id,
    String client,
    String provider,
    String key,
    String model,
    String call,
    String lease,
    int status,
    String origin,
    int attempts,
    String broken,
    long inputTokens,
    long outputTokens,
    long waitNanos,
    long firstByteNanos,
    long nanos) {
  /** A client may send any name of a model. */
  private static final int MODEL_CHARS = 200;

  private static final int NANOS_PER_TENTH = 100_000;

  /** A request that Relay refused by its head. */
  public static RequestLine refused(String id, int status) {
    return new RequestLine(id, "", "", "", "", "", "", status, "relay", 0, "", 0, 0, 0, 0, 0);
  }

  /** What a record carries of a request; null if it is about something else. */
  static @Nullable RequestLine of(LogRecord record) {
    Object[] parameters = record.getParameters();
    return parameters != null && parameters.length > 0 && parameters[0] instanceof RequestLine line
        ? line
        : null;
  }

  /** The same with no more of a model's name than is shown: a body may name one of megabytes. */
  RequestLine bounded() {
    return model.length() <= MODEL_CHARS
        ? this
        : new RequestLine(
            id,
            client,
            provider,
            key,
            shortModel(),
            call,
            lease,
            status,
            origin,
            attempts,
            broken,
            inputTokens,
            outputTokens,
            waitNanos,
            firstByteNanos,
            nanos);
  }

  void appendJson(StringBuilder out) {
    name(out, "request", id);
    name(out, "client", client);
    name(out, "provider", provider);
    name(out, "key", key);
    name(out, "model", shortModel());
    name(out, "call", call);
    name(out, "lease", lease);
    number(out, "status").append(status);
    name(out, "origin", origin);
    number(out, "attempts").append(attempts);
    name(out, "broken", broken);
    number(out, "input_tokens").append(inputTokens);
    number(out, "output_tokens").append(outputTokens);
    millis(number(out, "wait_ms"), waitNanos);
    millis(number(out, "first_byte_ms"), firstByteNanos);
    millis(number(out, "duration_ms"), nanos);
  }

  private static void name(StringBuilder out, String name, String value) {
    if (!value.isEmpty()) {
      JsonString.quote(number(out, name), value);
    }
  }

  private static StringBuilder number(StringBuilder out, String name) {
    return out.append(",\"").append(name).append("\":");
  }

  private static StringBuilder millis(StringBuilder out, long nanos) {
    long tenths = nanos / NANOS_PER_TENTH;
    return out.append(tenths / 10).append('.').append(tenths % 10);
  }

  /** For people. A name that is more than a word is quoted: it cannot pass for another member. */
  String text() {
    StringBuilder out = new StringBuilder(160);
    out.append(status).append(' ').append(origin).append(' ').append(id);
    word(out, "client", client);
    word(out, "provider", provider);
    word(out, "key", key);
    word(out, "model", shortModel());
    word(out, "call", call);
    word(out, "lease", lease);
    out.append(" attempts=").append(attempts);
    word(out, "broken", broken);
    out.append(" tokens=").append(inputTokens).append('+').append(outputTokens);
    millis(out.append(" wait="), waitNanos);
    millis(out.append("ms first_byte="), firstByteNanos);
    millis(out.append("ms duration="), nanos);
    return out.append("ms").toString();
  }

  private static void word(StringBuilder out, String name, String value) {
    if (!value.isEmpty()) {
      PlainText.word(out.append(' ').append(name).append('='), value);
    }
  }

  private String shortModel() {
    return Bounded.cut(model, MODEL_CHARS);
  }
}
