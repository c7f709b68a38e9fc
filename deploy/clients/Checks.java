import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the Java clients share: the scenarios of checks.mjs, see there. */
final class Checks {
  static final String URL = System.getenv("BASE_URL");
  static final String KEY = System.getenv("CLIENT_KEY");
  static final String SCARCE_KEY = System.getenv("SCARCE_KEY");
  static final String TOOL_ANSWER = "rain";
  static final Map<String, Object> TOOL_SCHEMA =
      Map.of(
          "type",
          "object",
          "properties",
          Map.of("city", Map.of("type", "string")),
          "required",
          List.of("city"));
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How a client is made, and what it is to ask. */
  record Asked(
      String model,
      boolean stream,
      boolean tools,
      String key,
      int maxRetries,
      Map<String, String> headers) {
    Asked with(String name, String value) {
      Map<String, String> more = new HashMap<>(headers);
      more.put(name, value);
      return new Asked(model, stream, tools, key, maxRetries, more);
    }

    Asked as(String other) {
      return new Asked(model, stream, tools, other, maxRetries, headers);
    }

    Asked retrying(int times) {
      return new Asked(model, stream, tools, key, times, headers);
    }

    Asked withTools() {
      return new Asked(model, stream, true, key, maxRetries, headers)
          .with("x-sim-tool", "weather")
          .with("x-sim-tool-input", "{\"city\":\"Oslo\"}");
    }
  }

  interface Client {
    /** Asks; answers a call of a tool once and returns what came of it. */
    Map<String, Object> ask(Asked asked) throws Exception;

    /** Describes an error; the 429's {@code toldMs} is taken out, if it is there. */
    Map<String, Object> failed(Throwable error);
  }

  interface Body {
    Object run() throws Exception;
  }

  static Map<String, Object> answer(
      String text, List<?> calls, List<?> stop, Number input, Number output) {
    return members("text", text, "calls", calls, "stop", stop, "usage", List.of(input, output));
  }

  /** A map in the order of the pairs; values may be null. */
  static Map<String, Object> members(Object... pairs) {
    Map<String, Object> members = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      members.put((String) pairs[i], pairs[i + 1]);
    }
    return members;
  }

  static void run(String name, String family, boolean retriesStreams, Client client) {
    for (boolean stream : new boolean[] {false, true}) {
      String where = stream ? " stream" : "";
      Asked any = asked(family + "-any", stream);
      Asked faulty = asked(family + "-faulty", stream);
      Asked scarce = asked(family + "-scarce", stream).as(SCARCE_KEY);
      scenario(name, stream ? "stream" : "JSON", () -> client.ask(any));
      scenario(name, "tools" + where, () -> client.ask(any.withTools()));
      scenario(
          name,
          "error 400" + where,
          () -> failure(client, any.with("x-sim-output-tokens", "many")));
      scenario(
          name, "error 401" + where, () -> own(family, failure(client, any.as("not-a-client"))));
      scenario(name, "error 500" + where, () -> failure(client, faulty.with("x-sim-fault", "500")));
      if (stream) {
        scenario(
            name,
            "error in stream",
            () -> failure(client, faulty.with("x-sim-fault", "error-event")));
      }
      scenario(name, "429" + where, () -> own(family, refusal(client, scarce)));
      if (stream && !retriesStreams) {
        continue;
      }
      scenario(
          name,
          "retry" + where,
          () -> {
            Object told = refusal(client, scarce).get("toldMs");
            long askedAt = System.nanoTime();
            Map<String, Object> got = client.ask(scarce.retrying(told == null ? 6 : 2));
            long tookMs = (System.nanoTime() - askedAt) / 1_000_000;
            // Two retries at times of the SDK's own choice would be over after some 1.5 s, in vain.
            // Relay rounds seconds up, so the next retry time may be one second less.
            if (told instanceof Long toldMs
                && (tookMs < toldMs - (toldMs % 1_000 == 0 ? 1_100 : 600)
                    || tookMs > toldMs + 5_000)) {
              throw new AssertionError("took " + tookMs + " ms, was told " + toldMs);
            }
            return got;
          });
    }
  }

  /** Relay's own errors have words of its own, and openai's dialect also one word for the type. */
  private static Map<String, Object> own(String family, Map<String, Object> error) {
    error.keySet().removeAll(List.of("message", "toldMs"));
    if (family.equals("gpt")) {
      error.remove("type");
    }
    return error;
  }

  static Asked asked(String model, boolean stream) {
    Map<String, String> script = Map.of("x-sim-input-tokens", "123", "x-sim-output-tokens", "45");
    return new Asked(model, stream, false, KEY, 0, script);
  }

  static void scenario(String client, String what, Body body) {
    Object got;
    try {
      got = body.run();
    } catch (Exception | AssertionError e) {
      e.printStackTrace();
      got = Map.of("FAILED", String.valueOf(e));
    }
    try {
      System.out.println(client + "|" + what + "|" + JSON.writeValueAsString(got));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** For how long a 429 tells to wait; Relay tells it to the millisecond, too. Null: it is none. */
  static Long toldMs(List<String> exact, List<String> seconds) {
    if (exact.isEmpty()) {
      return seconds.isEmpty() ? null : Long.parseLong(seconds.getFirst()) * 1000;
    }
    long toldMs = Long.parseLong(exact.getFirst());
    if (Math.ceilDiv(toldMs, 1000L) != Long.parseLong(seconds.getFirst())) {
      throw new AssertionError("retry-after-ms " + exact + ", retry-after " + seconds);
    }
    return toldMs;
  }

  /** What a request meets right after another took the window's only place. */
  private static Map<String, Object> refusal(Client client, Asked asked) throws Exception {
    client.ask(new Asked(asked.model(), false, false, asked.key(), 6, asked.headers()));
    return failure(client, asked);
  }

  private static Map<String, Object> failure(Client client, Asked asked) {
    Map<String, Object> got;
    try {
      got = client.ask(asked);
    } catch (Exception e) {
      return client.failed(e);
    }
    throw new AssertionError("no error but " + got);
  }
}
