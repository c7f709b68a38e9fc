import io.temporal.activity.Activity;
import io.temporal.activity.ActivityInterface;
import io.temporal.failure.ApplicationFailure;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An activity of Temporal (io.temporal:temporal-sdk) that calls a provider within the limits that Relay keeps. It needs
 * RelayLeases.java. Short waits are the worker's; for a long one Temporal runs it again at the time that Relay told.
 */
@ActivityInterface
public interface LeasedActivity {
  /** The provider's answer to {@code body}, a request to Anthropic's Messages API for that model. */
  String ask(String model, int inputTokens, String body);

  final class Implementation implements LeasedActivity {
    private final HttpClient client = HttpClient.newHttpClient();
    private final RelayLeases pool;
    private final URI provider;
    private final Map<String, String> secrets; // by the ids of keys

    public Implementation(RelayLeases pool, URI provider, Map<String, String> secrets) {
      this.pool = pool;
      this.provider = provider;
      this.secrets = secrets;
    }

    @Override
    public String ask(String model, int inputTokens, String body) {
      try {
        Map<String, Object> call = Map.of("model", model, "input_tokens", inputTokens);
        return pool.lease(call, Duration.ofSeconds(5), lease -> send(lease, body));
      } catch (RelayLeases.Refused refused) {
        ApplicationFailure.Builder failure = ApplicationFailure.newBuilder().setType("Refused").setMessage(refused.getMessage());
        if (refused.waitMillis >= 0) failure.setNextRetryDelay(Duration.ofMillis(refused.waitMillis));
        throw failure.setNonRetryable(refused.waitMillis < 0).build();
      } catch (Exception failure) {
        throw Activity.wrap(failure);
      }
    }

    private String send(RelayLeases.Lease lease, String body) throws IOException, InterruptedException {
      HttpRequest request = HttpRequest.newBuilder(provider.resolve("/v1/messages")).timeout(Duration.ofMinutes(10))
          .header("x-api-key", secrets.get(lease.granted.get("key"))).header("anthropic-version", "2023-06-01")
          .header("content-type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
      lease.sent(1);
      HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        lease.refused(answer.statusCode(), answer.headers().map(), answer.body()); // the next attempt gets another key
        String message = "the provider answered " + answer.statusCode() + ": " + answer.body();
        if (List.of(400, 404, 413, 422).contains(answer.statusCode())) throw ApplicationFailure.newNonRetryableFailure(message, "BadRequest");
        throw new IOException(message);
      }
      lease.observed(answer.headers().map());
      long read = count(answer.body(), "cache_read_input_tokens"), written = count(answer.body(), "cache_creation_input_tokens");
      lease.usage(count(answer.body(), "input_tokens") + read + written, count(answer.body(), "output_tokens"), read, written, 1);
      return answer.body();
    }

    private static long count(String answer, String name) { // use your JSON library
      Matcher last = Pattern.compile("\"usage\"\\s*:\\s*\\{.*?\"" + name + "\"\\s*:\\s*(\\d+)", Pattern.DOTALL).matcher(answer);
      return last.find() ? Long.parseLong(last.group(1)) : 0;
    }
  }
}
