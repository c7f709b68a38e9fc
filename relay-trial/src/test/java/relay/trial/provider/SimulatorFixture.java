package relay.trial.provider;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Settings;

/** A simulated provider of two accounts, whose clock stands, and a client of it. */
abstract class SimulatorFixture {
  static final ObjectMapper JSON = new ObjectMapper();
  static final long SECOND = 1_000_000_000L;
  static final String ANTHROPIC = "/v1/messages";
  static final String OPENAI = "/v1/chat/completions";
  static final String RESPONSES = "/v1/responses";
  static final String EMBEDDINGS = "/v1/embeddings";

  final AtomicLong nanos = new AtomicLong(5 * SECOND);
  final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  final ProviderSimulator simulator =
      ProviderSimulator.start(
          Settings.of(
              Duration.ofSeconds(10),
              new Account("a", List.of("secret-a1", "secret-a2"), 4, 40_000, 10_000, 0),
              new Account("b", List.of("secret-b"), 0, 0, 0, 1000)),
          nanos::get,
          InstantSource.fixed(Instant.parse("2026-01-01T00:00:00Z")));

  @AfterEach
  void stop() {
    client.shutdownNow();
    simulator.close();
  }

  final HttpResponse<String> post(String path, String secret, boolean stream, String... headers)
      throws Exception {
    return send(path, secret, body(stream), headers);
  }

  final HttpResponse<String> send(String path, String secret, String body, String... headers)
      throws Exception {
    return client.send(request(path, secret, body, headers).build(), BodyHandlers.ofString());
  }

  final HttpRequest.Builder request(String path, String secret, String body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(simulator.url().resolve(path))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    request.header(
        path.equals(OPENAI) ? "authorization" : "x-api-key",
        path.equals(OPENAI) ? "Bearer " + secret : secret);
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return request;
  }

  /** Forty bytes or less: ten input tokens. */
  static String body(boolean stream) {
    return stream
        ? "{\"model\":\"claude-x\",\"stream\":true   }"
        : "{\"model\":\"claude-x\",\"stream\":false  }";
  }
}
