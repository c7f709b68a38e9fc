package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import relay.config.LoggingConfig.Format;
import relay.config.LoggingConfig.Level;
import relay.config.ProviderConfig.Accounting;
import relay.config.ProviderConfig.Affinity;
import relay.config.ProviderConfig.ModelClass;
import relay.config.ProviderConfig.Pooling;
import relay.config.ProviderConfig.QuotaGroup;
import relay.config.ProviderConfig.Strategy;
import relay.config.RedisConfig.OnUnavailable;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.config.ServerConfig.Client.Bounds;
import relay.model.Weights;

final class MappingTest {
  private static final String FULL =
      """
      server:
        listen: "[::1]:1"
        admin_listen: localhost:2
        admin_token: admin
        enable_http2: true
        max_body_bytes: 3
        max_upload_bytes: 9
        max_concurrent: 4
        connect_timeout_ms: 5
        idle_timeout_ms: 6
        drain_ms: 7
        auth:
          api_key: one
          clients:
            - name: team-a
              key: two
              keys: [three, four]
              enforce: false
              models: ["claude-*"]
              providers: [a]
              rpm_limit: 600
              itpm_limit: 30000
              otpm_limit: 8000
              tpm_limit: 38000
              max_concurrent: 7
              weight: 8
              priority: batch
              leases: true
              budget: [{ usd: 12.5, per: month }, { tokens: 9, per: day, rolling: true, hard: true }]
            - {name: team-b, key_sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad}
      redis:
        url: rediss://user:pass@[::1]:8/9
        cluster: false
        prefix: other
        timeout_ms: 10
        on_unavailable: closed
        replicas: 12
        folder: /var/lib/relay
      providers:
        - name: a
          type: zai
          enabled: true
          base_url: https://proxy.internal:444/v1/
          accounts: learned
          proxy: http://us%40er:pass@proxy:3128/
          models: [big-1, small-1]
          model_mapping: {large: big-1}
          max_attempts: 11
          passthrough: true
          pass_headers: [OpenAI-Project, x-goog-user-project]
          pooling:
            strategy: round_robin
            affinity: none
            max_wait_ms: 86_400_000
            window_ms: 1_200
            accounting: token_bucket
            burst_ratio: 0.5
            enforce: false
            headroom: {interactive: 0.125, standard: 0.25}
            floor: 0.03
            day: {starts: "07:30", zone: Asia/Tokyo}
          model_classes:
            - {name: big, models: ["big-*", "huge-*"], weights: {input: 2, cache_read: 0.25, cache_write: 3, output: 10}}
          workspaces:
            - name: research
              rpm_limit: 31
              itpm_limit: 32
              otpm_limit: 33
              tpm_limit: 34
              rpd_limit: 35
              tpd_limit: 36
              limits:
                big: {rpm_limit: 37, itpm_limit: 38, otpm_limit: 39, tpm_limit: 40, rpd_limit: 41, tpd_limit: 42}
            - {name: unused}
          keys:
            - key: k1
              id: a-1
              account: acme
              workspace: research
              priority: 13
              weight: 0
              max_concurrent: 15
              rpm_limit: 16
              itpm_limit: 17
              otpm_limit: 18
              tpm_limit: 1000000000000
              rpd_limit: 19
              tpd_limit: 25
              limits:
                big: {rpm_limit: 20, itpm_limit: 21, otpm_limit: 22, tpm_limit: 23, rpd_limit: 26, tpd_limit: 27}
            - {key: k2, id: a-2, account: acme}
            - {key: k3, id: 007, rpm_limit: 24}
        - {name: b, type: ollama, enabled: false, keys: [{key: any word}]}
      routing:
        strategy: weighted_round_robin
        model_mapping: {claude-: a, glm: b}
        default_provider: b
      prices: [{ model: "big-*", input: 3, output: 15.5, cache_read: 0.3 }]
      logging: {level: error, format: text, requests: false, requests_ratio: 0.25}
      """;

  @Test
  void every_setting_reaches_its_record() {
    LimitsConfig plain = new LimitsConfig(16, 17, 18, 1_000_000_000_000L, 19, 25);
    LimitsConfig alone = new LimitsConfig(24, 0, 0, 0);
    Config config = Given.valid(FULL);
    assertEquals(
        new ServerConfig(
            new ListenAddress("::1", 1),
            new ListenAddress("localhost", 2),
            new Secret("admin"),
            null,
            true,
            3,
            9,
            4,
            Duration.ofMillis(5),
            Duration.ofMillis(6),
            Duration.ofMillis(7),
            new Auth.Clients(
                List.of(
                    new Client(
                        "default",
                        List.of(KeyHash.of("one")),
                        true,
                        new Bounds(List.of(), Set.of(), LimitsConfig.UNKNOWN, 0)),
                    new Client(
                        "team-a",
                        List.of(KeyHash.of("two"), KeyHash.of("three"), KeyHash.of("four")),
                        false,
                        new Bounds(
                            List.of(new ModelPattern("claude-*")),
                            Set.of("a"),
                            new LimitsConfig(600, 30_000, 8_000, 38_000),
                            7,
                            List.of(
                                new BudgetConfig(
                                    12_500_000_000L, 0, BudgetConfig.Per.MONTH, false, false),
                                new BudgetConfig(0, 9, BudgetConfig.Per.DAY, true, true)),
                            true),
                        new Client.Standing(8, ClientPriority.BATCH)),
                    new Client(
                        "team-b",
                        List.of(KeyHash.of("abc")),
                        true,
                        new Bounds(List.of(), Set.of(), LimitsConfig.UNKNOWN, 0))))),
        config.server());
    assertEquals(
        new RedisConfig(
            new RedisUrl(
                true, List.of(new RedisUrl.Server("::1", 8)), null, 9, "user", new Secret("pass")),
            false,
            "other",
            null,
            null,
            null,
            Duration.ofMillis(10),
            OnUnavailable.CLOSED,
            12,
            Path.of("/var/lib/relay")),
        config.redis());
    assertEquals(
        new ProviderConfig(
            "a",
            ProviderType.ZAI,
            new Cloud.None(),
            true,
            URI.create("https://proxy.internal:444/v1"),
            KnownApi.NONE,
            ProviderConfig.Accounts.LEARNED,
            new ProviderAccess(
                OutboundTls.DEFAULT,
                ProxyRule.always(new ProxyUrl("proxy", 3128, new Secret("us@er:pass")))),
            List.of("big-1", "small-1"),
            Map.of("large", "big-1"),
            11,
            true,
            new ClientHeaders(Set.of("openai-project", "x-goog-user-project")),
            new Pooling(
                Strategy.ROUND_ROBIN,
                Affinity.NONE,
                Duration.ofDays(1),
                Duration.ofMillis(1200),
                Accounting.TOKEN_BUCKET,
                0.5,
                false,
                0.125,
                0.25,
                0.03,
                new ProviderConfig.DayStart(LocalTime.of(7, 30), ZoneId.of("Asia/Tokyo"))),
            List.of(
                new ModelClass(
                    "big",
                    List.of(new ModelPattern("big-*"), new ModelPattern("huge-*")),
                    new Weights(2, 0.25, 3, 10))),
            false,
            List.of(
                new KeyConfig(key("k1"), "a-1", "acme", "research", 13, 0, 15),
                new KeyConfig(key("k2"), "a-2", "acme", 1, 1, 0),
                new KeyConfig(key("k3"), "007", "007", 1, 1, 0)),
            List.of(
                new QuotaGroup("acme", "big", new LimitsConfig(20, 21, 22, 23, 26, 27)),
                new QuotaGroup("acme", "default", plain),
                new QuotaGroup("007", "big", alone),
                new QuotaGroup("007", "default", alone),
                new QuotaGroup("acme/research", "big", new LimitsConfig(37, 38, 39, 40, 41, 42)),
                new QuotaGroup(
                    "acme/research", "default", new LimitsConfig(31, 32, 33, 34, 35, 36)))),
        config.providers().getFirst());
    assertEquals("b", config.providers().getLast().name());
    assertEquals(List.of(config.providers().getFirst()), config.enabledProviders());
    assertEquals(
        new RoutingConfig(
            RoutingConfig.Strategy.WEIGHTED_ROUND_ROBIN, Map.of("claude-", "a", "glm", "b"), "b"),
        config.routing());
    assertEquals(
        List.of(
            new PriceConfig(new ModelPattern("big-*"), 3_000_000, 15_500_000, 300_000, 3_000_000)),
        config.prices());
    assertEquals(new LoggingConfig(Level.ERROR, Format.TEXT, false, 0.25), config.logging());
  }

  private static Credential key(String secret) {
    return new Credential.ApiKey(new Secret(secret));
  }

  @Test
  void auth_none_permits_any_address() {
    Config config = Given.valid("server: {listen: '0.0.0.0:80', auth: none}\n" + Given.PROVIDERS);
    assertEquals(new Auth.Open(), config.server().auth());
  }

  @Test
  void a_models_class_is_matched_by_the_providers_name_then_by_the_clients() {
    ProviderConfig provider =
        Given.valid(
                """
                providers:
                  - name: a
                    type: azure
                    base_url: https://a.example
                    model_mapping: { gpt-5: our-deployment, fast: gpt-4o-mini, gpt-6: gpt-4o }
                    model_classes:
                      - { name: five, models: ["gpt-5*", "gpt-6*"] }
                      - { name: four, models: ["gpt-4*"] }
                    keys: [{ key: k }]
                """)
            .providers()
            .getFirst();
    assertEquals("five", provider.classOf("gpt-5"));
    assertEquals("four", provider.classOf("fast"));
    assertEquals("four", provider.classOf("gpt-6"));
    assertEquals("default", provider.classOf("our-deployment"));
  }

  @Test
  void a_provider_knows_its_models() {
    ProviderConfig provider = Given.valid(FULL).providers().getFirst();
    assertEquals(List.of("big", "default"), provider.classNames());
    assertEquals("big", provider.classOf("huge-2"));
    assertEquals("default", provider.classOf("small-1"));
    assertTrue(provider.serves("small-1") && provider.serves("large"));
    assertFalse(provider.serves("other"));
    assertTrue(Given.valid(FULL).providers().getLast().serves("anything"));
  }

  @Test
  void a_client_knows_its_permissions() {
    Auth.Clients auth = (Auth.Clients) Given.valid(FULL).server().auth();
    Client any = auth.clients().getFirst();
    Client team = auth.clients().get(1);
    assertTrue(any.mayUseModel("x") && any.mayUseProvider("b"));
    assertTrue(team.mayUseModel("claude-x") && team.mayUseProvider("a"));
    assertFalse(team.mayUseModel("x") || team.mayUseProvider("b"));
    assertTrue(team.isLimited());
    assertFalse(any.isLimited());
  }

  @Test
  void any_key_of_an_account_may_state_its_limits() {
    Config config =
        Given.valid(
            """
            providers:
              - name: a
                type: openai
                keys:
                  - {key: x, account: acme, tpm_limit: 0}
                  - {key: y, account: acme, tpm_limit: 5}
                  - {key: z, account: acme, tpm_limit: 5}
            """);
    assertEquals(
        List.of(new QuotaGroup("acme", "default", new LimitsConfig(0, 0, 0, 5))),
        config.providers().getFirst().groups());
  }

  @Test
  void an_alias_repeats_its_anchor() {
    Config config =
        Given.valid(
            """
            providers:
              - name: a
                type: openai
                keys:
                  - {key: x, limits: {default: &tier {rpm_limit: 5}}}
                  - {key: y, limits: {default: *tier}}
            """);
    assertEquals(
        List.of(5L, 5L),
        config.providers().getFirst().groups().stream().map(g -> g.limits().rpm()).toList());
  }

  @Test
  void a_byte_order_mark_and_windows_line_ends_are_allowed() {
    assertEquals(Given.valid(FULL), Given.valid("\uFEFF" + FULL.replace("\n", "\r\n")));
  }

  @Test
  void equal_input_gives_equal_immutable_configs() {
    Config config = Given.valid(FULL);
    assertEquals(Given.valid(FULL), config);
    assertThrows(UnsupportedOperationException.class, () -> config.providers().clear());
    assertThrows(
        UnsupportedOperationException.class,
        () -> config.providers().getFirst().modelMapping().clear());
  }
}
