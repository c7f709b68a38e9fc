package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

/** Bedrock counts tokens as its user guide says, behind three replicas. */
@Tag("slow")
class BedrockQuotasTest {
  private static final String OPUS = "anthropic.claude-opus-5-v1:0";
  private static final String OLDER = "anthropic.claude-sonnet-4-5-20250929-v1:0";
  private static final long INPUT = 60;
  private static final long CACHE_READ = 900;
  private static final long CACHE_WRITE = 40;
  private static final long OUTPUT = 100;

  /** What a provider has counted of the present minute, and requests that it refused. */
  private static final class Quota {
    private final long limit;
    private final AtomicLong used = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();

    Quota(long limit) {
      this.limit = limit;
    }

    /** Takes what a request costs at its start, and then what it really cost. */
    void serve(long atStart, long atEnd, RawProvider.Connection connection) throws IOException {
      if (used.addAndGet(atStart) > limit) {
        refused.incrementAndGet();
        used.addAndGet(-atStart);
        connection.write(Says.json(429, "{\"message\":\"Too many tokens\"}"));
        return;
      }
      connection.write(
          Says.json(
              200,
              """
              {"id":"msg_1","type":"message","content":[],"usage":{"input_tokens":%d,\
              "cache_read_input_tokens":%d,"cache_creation_input_tokens":%d,"output_tokens":%d}}\
              """
                  .formatted(INPUT, CACHE_READ, CACHE_WRITE, OUTPUT)));
      used.addAndGet(atEnd - atStart);
    }
  }

  private static long maxTokens(RawProvider.Received request) {
    var stated = Pattern.compile("\"max_tokens\":(\\d+)").matcher(request.text());
    return stated.find() ? Long.parseLong(stated.group(1)) : 64_000;
  }

  private static int ask(Replicas replicas, int replica, String model, int maxTokens)
      throws Exception {
    Ask ask =
        Ask.of(Dialect.ANTHROPIC, model)
            .body(Ask.body(model, "\"max_tokens\":%d,".formatted(maxTokens)));
    return RawClient.ask(replicas.port(replica), ask).status();
  }

  /**
   * "The burndown rate for the following models is 10x for output tokens"; at the start "the sum of
   * the total input tokens and the value of the max_tokens field", at the end "InputTokenCount +
   * CacheWriteInputTokens + (OutputTokenCount x burndown rate)"; cache reads "don't count towards
   * your quota": "How tokens are counted in Amazon Bedrock", docs.aws.amazon.com, read November 27,
   * 2026. A rate of 5 holds for Claude 4.7 and older.
   */
  @Test
  void output_counts_by_the_models_rate_and_max_tokens_while_a_request_runs() throws Exception {
    Quota opus = new Quota(12_000);
    Quota older = new Quota(12_000);
    try (RawProvider provider =
            new RawProvider(
                (request, connection) -> {
                  boolean isOpus = request.line().contains("opus");
                  long atStart = INPUT + CACHE_READ + CACHE_WRITE + maxTokens(request);
                  long atEnd = INPUT + CACHE_WRITE + OUTPUT * (isOpus ? 10 : 5);
                  (isOpus ? opus : older).serve(atStart, atEnd, connection);
                });
        Replicas replicas =
            new Setup()
                .provider(
                    """
                    - name: b
                      type: bedrock
                      region: us-east-1
                      base_url: %s
                      pooling: { affinity: none, accounting: token_bucket, window_ms: 3600000 }
                      keys:
                        - { key: aws-secret-1, access_key_id: AKIARELAYTEST000001, id: a, tpm_limit: 12000 }
                    """
                        .formatted(provider.url()))
                .start(3)) {
      for (int n = 0; n < 4; n++) {
        assertEquals(200, ask(replicas, n % 3, OPUS, 1_500));
        assertEquals(200, ask(replicas, n % 3, OLDER, 1_500));
      }
      replicas.awaitLine("b", "a/default+anthropic.claude-opus-5-v1_0", ".* tpm 4400/12000");
      replicas.awaitLine(
          "b", "a/default+anthropic.claude-sonnet-4-5-20250929-v1_0", ".* tpm 2400/12000");
      assertEquals(4_400, opus.used.get());
      assertEquals(2_400, older.used.get());
      // A bound that would fit beside the output by its count alone is held until the end.
      assertEquals(429, ask(replicas, 0, OPUS, 9_000));
      assertEquals(200, ask(replicas, 1, OLDER, 7_000));
      int granted = 0;
      while (ask(replicas, granted % 3, OPUS, 1_500) == 200) {
        granted++;
      }
      assertTrue(granted >= 1, "there was room for more");
      assertEquals(0, opus.refused.get() + older.refused.get(), "Bedrock never had to refuse");
    }
  }

  /**
   * "Tokens per day (TPD)", "the maximum number of tokens for model inference per day", counted as
   * those of a minute: "Quotas for Amazon Bedrock" and "How tokens are counted",
   * docs.aws.amazon.com, read November 27, 2026. At the limit one request more would fit if {@code
   * max_tokens} did not count while it runs.
   */
  @Test
  void tokens_a_day_count_as_those_of_a_minute_and_bedrock_never_refuses() throws Exception {
    int maxTokens = 1_500;
    long each = INPUT + CACHE_WRITE + OUTPUT * 10;
    long day = 12 * each;
    Quota tokens = new Quota(day);
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    tokens.serve(
                        INPUT + CACHE_READ + CACHE_WRITE + maxTokens(request), each, connection));
        Replicas replicas =
            new Setup()
                .provider(
                    """
                    - name: b
                      type: bedrock
                      region: us-east-1
                      base_url: %s
                      pooling: { affinity: none }
                      keys: [{ key: aws-secret-1, access_key_id: AKIARELAYTEST000001, id: a, tpd_limit: %d }]
                    """
                        .formatted(provider.url(), day))
                .start(3)) {
      int granted = 0;
      while (ask(replicas, granted % 3, OPUS, maxTokens) == 200) {
        granted++;
        assertTrue(granted <= 12, "over the limit");
        String used = ".* tpd %d/%d".formatted(granted * each, day);
        replicas.awaitLine("b", "a/default+anthropic.claude-opus-5-v1_0", used);
      }
      assertTrue(granted >= 8, granted + " granted: the estimate of the last may not fit");
      for (int n = 0; n < 3; n++) {
        Ask ask =
            Ask.of(Dialect.ANTHROPIC, OPUS)
                .body(Ask.body(OPUS, "\"max_tokens\":%d,".formatted(maxTokens)));
        Answer refused = RawClient.ask(replicas.port(n), ask);
        assertEquals(429, refused.status());
        assertTrue(refused.text().contains("tokens_a_day"), refused.text());
        String retry = Answer.header(refused.headers(), "retry-after");
        assertNotNull(retry);
        assertTrue(Long.parseLong(retry) > 80_000, retry + " s: a day after the first");
      }
      assertEquals(granted * each, tokens.used.get());
      assertEquals(0, tokens.refused.get(), "Bedrock never had to refuse");
    }
  }

  /**
   * "The number of input tokens in the request, plus the value of max_tokens [...], is checked
   * against the input-tokens-per-minute quota"; "any unused portion of the initial input-token
   * reservation (the difference between max_tokens and the actual output) is replenished"; cached
   * input "read through prompt caching" does not count: "Quotas for the bedrock-mantle endpoint".
   * The Messages API is at /anthropic/v1/messages and takes "x-api-key": "Inference using Anthropic
   * Messages API", docs.aws.amazon.com, both read November 27, 2026.
   */
  @Test
  void mantle_speaks_messages_and_counts_max_tokens_as_input() throws Exception {
    Quota input = new Quota(8_000);
    Quota ofOther = new Quota(8_000);
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    (request.header("x-api-key") == null ? ofOther : input)
                        .serve(
                            INPUT + CACHE_READ + CACHE_WRITE + maxTokens(request),
                            INPUT + CACHE_WRITE + OUTPUT,
                            connection));
        Replicas replicas =
            new Setup()
                .provider(
                    """
                    - name: m
                      type: bedrock
                      api: bedrock-mantle
                      region: us-east-1
                      base_url: %s/anthropic
                      pooling: { affinity: none, accounting: token_bucket, window_ms: 3600000 }
                      model_mapping: { opus: anthropic.claude-opus-5 }
                      keys:
                        - { key: mantle-secret, id: a, priority: 2, itpm_limit: 8000, otpm_limit: 4000 }
                        - { key: aws-secret-1, access_key_id: AKIARELAYTEST000001, id: b, itpm_limit: 8000 }
                    """
                        .formatted(provider.url()))
                .start(3)) {
      for (int n = 0; n < 6; n++) {
        assertEquals(200, ask(replicas, n % 3, "opus", 1_500));
      }
      replicas.awaitLine(
          "m", "a/default+anthropic.claude-opus-5", ".* itpm 1200/8000 otpm 600/4000");
      assertEquals(1_200, input.used.get());
      assertEquals(200, ask(replicas, 0, "opus", 6_700), "the other key has room for it");
      assertEquals(0, input.refused.get() + ofOther.refused.get());
      RawProvider.Received first = provider.received().getFirst();
      assertTrue(first.line().startsWith("POST /anthropic/v1/messages "), first.line());
      assertTrue(first.isFor("anthropic.claude-opus-5"), first.text());
      assertEquals("mantle-secret", first.header("x-api-key"));
      assertNotNull(first.header("anthropic-version"));
      RawProvider.Received signed = provider.received().getLast();
      assertNull(signed.header("x-api-key"));
      assertTrue(
          String.valueOf(signed.header("authorization"))
              .contains("/us-east-1/bedrock-mantle/aws4_request"),
          signed.headers().toString());
    }
  }

  /** A class that states weights is counted by them, whatever is known of the API. */
  @Test
  void stated_weights_replace_the_known_ones() throws Exception {
    Quota any = new Quota(Long.MAX_VALUE);
    try (RawProvider provider =
            new RawProvider((request, connection) -> any.serve(0, 0, connection));
        Replicas replicas =
            new Setup()
                .provider(
                    "p",
                    Dialect.ANTHROPIC,
                    provider.url(),
                    List.of(
                        Setup.ANY_MODEL,
                        "model_classes: [{ name: heavy, models: [h], weights: { cache_read: 0.1,"
                            + " output: 15 } }]"),
                    List.of(Setup.key("a")))
                .start(3)) {
      for (int n = 0; n < 3; n++) {
        assertEquals(200, ask(replicas, n, "h", 10));
        assertEquals(200, ask(replicas, n, "other", 10));
      }
      replicas.awaitLine("p", "a/heavy", "rpm 3/- itpm 570/- otpm 4500/-");
      replicas.awaitLine("p", "a/default", "rpm 3/- itpm 300/- otpm 300/-");
    }
  }
}
