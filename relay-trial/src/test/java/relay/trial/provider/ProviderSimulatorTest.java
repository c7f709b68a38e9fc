package relay.trial.provider;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.trial.provider.ProviderSimulator.Dimension;

@Tag("slow")
@Timeout(30)
class ProviderSimulatorTest extends SimulatorFixture {
  @Test
  void a_full_bucket_admits_its_capacity_then_refuses_until_exactly_one_has_flowed_in()
      throws Exception {
    for (int i = 0; i < 4; i++) {
      assertEquals(
          200, post(ANTHROPIC, i % 2 == 0 ? "secret-a1" : "secret-a2", false).statusCode());
    }
    nanos.addAndGet(10 * SECOND / 4 - 1);
    assertEquals(429, post(ANTHROPIC, "secret-a1", false).statusCode());
    nanos.addAndGet(1);
    assertEquals(200, post(ANTHROPIC, "secret-a1", false).statusCode());
    assertEquals(1, simulator.stats().refused());
    assertEquals(5, simulator.stats().admitted());
    assertEquals(5, simulator.charged("a", Dimension.REQUESTS, 0, Long.MAX_VALUE));
    assertEquals(
        1.0, simulator.usedShare("a", Dimension.REQUESTS, 5 * SECOND, 15 * SECOND) * 4 / 5, 1e-9);
    assertEquals(
        10 * SECOND / 4, simulator.longestPauseNanos("a", 5 * SECOND, 75 * SECOND / 10 + 1));
  }

  @Test
  void an_anthropic_429_has_the_providers_body_and_headers() throws Exception {
    HttpResponse<String> good = post(ANTHROPIC, "secret-a1", false, "x-sim-input-tokens", "30600");
    assertEquals(30_600, JSON.readTree(good.body()).at("/usage/input_tokens").asLong());
    assertEquals("4", header(good, "anthropic-ratelimit-requests-limit"));
    assertEquals("3", header(good, "anthropic-ratelimit-requests-remaining"));
    assertEquals("2026-01-01T00:00:03Z", header(good, "anthropic-ratelimit-requests-reset"));
    assertEquals("40000", header(good, "anthropic-ratelimit-input-tokens-limit"));
    assertEquals("9000", header(good, "anthropic-ratelimit-input-tokens-remaining"));
    assertEquals("10000", header(good, "anthropic-ratelimit-output-tokens-limit"));

    HttpResponse<String> bad = post(ANTHROPIC, "secret-a1", false, "x-sim-input-tokens", "20000");
    assertEquals(429, bad.statusCode());
    assertEquals("3", header(bad, "retry-after")); // 10,600 tokens at 4,000 a second
    JsonNode error = JSON.readTree(bad.body());
    assertEquals("error", error.at("/type").asText());
    assertEquals("rate_limit_error", error.at("/error/type").asText());
    assertTrue(error.at("/error/message").asText().contains("input tokens"));
    assertEquals(header(bad, "request-id"), error.at("/request_id").asText());
    assertEquals(
        30_600, simulator.charged("a", Dimension.INPUT_TOKENS, 0, Long.MAX_VALUE), "not charged");
  }

  @Test
  void openai_charges_stated_max_tokens_at_admission_and_tells_its_own_headers() throws Exception {
    HttpResponse<String> good =
        send(
            OPENAI,
            "secret-b",
            "{\"model\":\"gpt\",\"max_tokens\":500}",
            "x-sim-input-tokens",
            "400");
    assertEquals(200, good.statusCode());
    assertEquals("1000", header(good, "x-ratelimit-limit-tokens"));
    assertEquals("100", header(good, "x-ratelimit-remaining-tokens"));
    assertEquals("9s", header(good, "x-ratelimit-reset-tokens"));
    assertEquals(420, JSON.readTree(good.body()).at("/usage/total_tokens").asLong());

    HttpResponse<String> bad = post(OPENAI, "secret-b", false, "x-sim-input-tokens", "101");
    assertEquals(429, bad.statusCode());
    assertEquals("1", header(bad, "retry-after"));
    JsonNode error = JSON.readTree(bad.body()).at("/error");
    assertEquals("tokens", error.at("/type").asText());
    assertEquals("rate_limit_exceeded", error.at("/code").asText());
    assertTrue(error.has("param"));
  }

  @Test
  void output_is_charged_as_produced_and_may_run_into_debt() throws Exception {
    assertEquals(
        200, post(ANTHROPIC, "secret-a1", false, "x-sim-output-tokens", "15000").statusCode());
    HttpResponse<String> bad = post(ANTHROPIC, "secret-a1", false);
    assertEquals(429, bad.statusCode());
    assertTrue(bad.body().contains("output tokens"));
    assertEquals("6", header(bad, "retry-after")); // 5,001 tokens at 1,000 a second
    assertEquals(15_000, simulator.charged("a", Dimension.OUTPUT_TOKENS, 0, Long.MAX_VALUE));
  }

  @Test
  void an_unknown_key_gets_a_401_in_the_dialect_and_is_remembered() throws Exception {
    HttpResponse<String> anthropic = post(ANTHROPIC, "nobody", false);
    assertEquals(401, anthropic.statusCode());
    assertEquals(
        "authentication_error", JSON.readTree(anthropic.body()).at("/error/type").asText());
    HttpResponse<String> openai = post(OPENAI, "nobody", false);
    assertEquals(401, openai.statusCode());
    assertEquals("invalid_api_key", JSON.readTree(openai.body()).at("/error/code").asText());
    assertTrue(simulator.stats().secretsSeen().contains("nobody"));
    String shown = client.send(get("/sim/stats"), BodyHandlers.ofString()).body();
    assertFalse(shown.contains("nobody"), "the page shows fingerprints only");
    assertEquals(2, JSON.readTree(shown).at("/unauthorized").asInt());
  }

  @Test
  void faults_happen_where_they_are_asked_for() throws Exception {
    assertThrows(IOException.class, () -> fault("reset-at-start", false));
    assertThrows(IOException.class, () -> fault("reset-mid-body", true));
    assertThrows(IOException.class, () -> fault("truncated", true));
    assertThrows(HttpTimeoutException.class, () -> fault("stall-at-start", false));
    assertEquals(529, fault("529", false).statusCode());
    assertTrue(fault("spend-429", false).body().contains("enforced_spend_limit_reached"));
    String broken = fault("error-event", true).body();
    assertTrue(broken.contains("event: error\ndata: {\"type\":\"error\""));
    assertFalse(broken.contains("message_stop"));
    assertEquals(3, simulator.stats().admitted(), "only what failed after its admission");
  }

  @Test
  void an_ordered_fault_hits_the_next_requests_of_that_account_only() throws Exception {
    simulator.order("a", "500", 1);
    assertEquals(200, post(OPENAI, "secret-b", false).statusCode());
    assertEquals(500, post(ANTHROPIC, "secret-a1", false).statusCode());
    assertEquals(200, post(ANTHROPIC, "secret-a1", false).statusCode());
  }

  @Test
  void count_tokens_is_answered_and_not_counted() throws Exception {
    HttpResponse<String> answer = post(ANTHROPIC + "/count_tokens", "secret-a1", false);
    assertEquals("{\"input_tokens\":10}", answer.body());
    assertEquals(0, simulator.stats().admitted());
  }

  @Test
  void responses_charge_their_bound_and_embeddings_no_output() throws Exception {
    String bound =
        "{\"model\":\"gpt\",\"max_output_tokens\":950,\"input\":\"" + "a".repeat(20) + "\"}";
    assertEquals(200, send(RESPONSES, "secret-b", bound).statusCode());
    assertEquals(429, send(RESPONSES, "secret-b", bound).statusCode());
    JsonNode vectors = JSON.readTree(post(EMBEDDINGS, "secret-b", true).body());
    assertEquals(3, vectors.at("/data/0/embedding").size());
    assertEquals(10, vectors.at("/usage/total_tokens").asLong());
  }

  @Test
  void files_batches_images_and_audio_come_back_as_they_went() throws Exception {
    for (String path : List.of("/v1/files", "/v1/messages/batches/1", "/v1/images/edits")) {
      HttpResponse<String> answer =
          send(path + "?a=%20", "secret-b", "any \0 body", "content-type", "x/y");
      assertEquals(200, answer.statusCode());
      assertEquals("any \0 body", answer.body());
      assertEquals("x/y", header(answer, "content-type"));
      assertEquals("POST " + path + "?a=%20", header(answer, "x-sim-asked"));
    }
    assertEquals(401, post("/v1/files", "unknown", false).statusCode());
    assertEquals(404, post("/v1/filesystem", "secret-b", false).statusCode());
    assertEquals(0, simulator.stats().admitted());
  }

  @Test
  void reset_fills_the_buckets_and_forgets_the_history() throws Exception {
    for (int i = 0; i < 5; i++) {
      post(ANTHROPIC, "secret-a1", false);
    }
    client.send(
        HttpRequest.newBuilder(simulator.url().resolve("/sim/reset"))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build(),
        BodyHandlers.discarding());
    assertEquals(0, simulator.stats().refused());
    assertArrayEquals(new long[0], simulator.admissions("a", 0, Long.MAX_VALUE));
    assertEquals(200, post(ANTHROPIC, "secret-a1", false).statusCode());
  }

  private HttpResponse<String> fault(String name, boolean stream) throws Exception {
    return client.send(
        request(ANTHROPIC, "secret-a1", body(stream), "x-sim-fault", name)
            .timeout(Duration.ofMillis(500))
            .build(),
        BodyHandlers.ofString());
  }

  private HttpRequest get(String path) {
    return HttpRequest.newBuilder(URI.create(simulator.url() + path)).build();
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("none");
  }
}
