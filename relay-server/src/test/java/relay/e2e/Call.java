package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.stream.Encodings;

/**
 * One combination of endpoint, JSON or stream, compression and model mapping. Each has its own
 * model, and a pool of the same name.
 */
record Call(Endpoint endpoint, boolean stream, Coding coding, boolean mapped) {

  /** How the answer is compressed. */
  enum Coding {
    IDENTITY,
    GZIP,
    DEFLATE
  }

  String model() {
    return String.join(
            "-",
            endpoint.name(),
            stream ? "sse" : "json",
            coding.name(),
            mapped ? "mapped" : "same")
        .toLowerCase(Locale.ROOT)
        .replace('_', '-');
  }

  String upstreamModel() {
    return mapped ? "vendor/" + model() + ":2026" : model();
  }

  /** The body. It also contains the model's name in other places, and with escapes. */
  String body(String modelValue) {
    String input =
        switch (endpoint) {
          case MESSAGES, COUNT_TOKENS, CHAT_COMPLETIONS ->
              "\"messages\":[{\"role\":\"user\",\"content\":\"model \\\"%s\\\" é \\u00e9"
                  + " \\ud83d\\ude00\"}]";
          case RESPONSES -> "\"input\" : [{\"role\":\"user\",\"content\":\"%s\"}]";
          case EMBEDDINGS -> "\"input\":[\"%s\",\"b\"],\"encoding_format\":\"float\"";
        };
    return (" {\"metadata\":{\"model\":\"%s\"},\r\n\t\"model\" : %s ,\"stream\":%s,\"x\":[1.0,2e3],"
            + input
            + "}\n")
        .formatted(model(), modelValue, stream, model());
  }

  /** The provider's answer, uncompressed. */
  String answer() {
    return switch (endpoint) {
      case MESSAGES, CHAT_COMPLETIONS ->
          stream
              ? String.join("", Says.events(endpoint.dialect()))
              : Says.answer(endpoint.dialect());
      case COUNT_TOKENS -> "{\"input_tokens\":4711}";
      case EMBEDDINGS ->
          "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.5]}],"
              + "\"model\":\"m\",\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}";
      case RESPONSES -> stream ? String.join("", responsesEvents()) : "{" + response() + "}";
    };
  }

  private static List<String> responsesEvents() {
    return List.of(
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\","
            + "\"usage\":null}}\n\n",
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\","
            + "\"delta\":\"Hi\"}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{"
            + response()
            + "}}\n\n");
  }

  private static String response() {
    return "\"id\":\"r\",\"object\":\"response\",\"error\":null,\"output\":[],"
        + "\"usage\":{\"input_tokens\":7,\"input_tokens_details\":{\"cached_tokens\":2},"
        + "\"output_tokens\":3,\"total_tokens\":10}";
  }

  /**
   * Whether Relay requests usage and removes it from the answer, which needs an uncompressed
   * answer.
   */
  boolean asksForUsage() {
    return endpoint == Endpoint.CHAT_COMPLETIONS && stream;
  }

  /** The group's line in the snapshot after only this call was charged. */
  String charged() {
    return switch (endpoint) {
      case MESSAGES, CHAT_COMPLETIONS, RESPONSES -> "rpm 1/- itpm 7/- otpm 3/- inflight 0";
      case EMBEDDINGS -> "rpm 1/- itpm 7/- otpm 0/- inflight 0";
      case COUNT_TOKENS -> "rpm 0/- itpm 0/- otpm 0/- inflight 0";
    };
  }

  Ask ask() {
    Dialect dialect = endpoint.dialect();
    Ask ask = Ask.of(dialect, "").target(endpoint.path()).body(body('"' + model() + '"'));
    return coding == Coding.IDENTITY
        ? ask
        : ask.header(
            "accept-encoding: compress, " + coding.name().toLowerCase(Locale.ROOT) + ";q=0.9");
  }

  /** The encoded bytes of the answer's body. */
  byte[] encoded(String answer) throws IOException {
    byte[] plain = answer.getBytes(UTF_8);
    return coding == Coding.IDENTITY
        ? plain
        : Encodings.encoded(coding.name().toLowerCase(Locale.ROOT), plain);
  }
}
