package relay.pipeline;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.admission.Admitted;
import relay.admission.Cancellation;
import relay.admission.KnownRequest;
import relay.admission.LeaseSearch;
import relay.admission.LeaseSearch.Outcome;
import relay.admission.RequestRecord;
import relay.admission.Route;
import relay.admission.TestAdmission;
import relay.auth.Clients.Caller;
import relay.body.Payload;
import relay.carrier.Carriers;
import relay.config.Config;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.leases.LeaseApi;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.pool.Configs;
import relay.pool.Plans;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.model.Lease;
import relay.redis.model.Usage;
import relay.upstream.Upstream;

/** Leases, quotas and usage of requests that end in unusual places. */
@Timeout(120)
class RequestOwnershipTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final String CLIENT_KEY = "client-secret-of-team";
  private static final String EVENTS =
      """
      data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}

      data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}

      data: [DONE]

      """;

  private final List<String> calls = new ArrayList<>();
  private final CountDownLatch aborted = new CountDownLatch(1);
  private final Carriers carriers = new Carriers("carrier", 1);
  private EmbeddedRedis redis;
  private ServerSocket provider;
  private RedisEngine engine;
  private Upstream upstream;
  private Meters meters;
  private TestAdmission parts;
  private List<Route> routes;
  private KeyPool clientsPool;
  private RequestPipeline pipeline;

  @BeforeEach
  void start() throws IOException {
    redis = EmbeddedRedis.start();
    provider = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Config config =
        Configs.of(
            """
            server:
              auth:
                clients:
                  - { name: team, key: %s, rpm_limit: 100 }
            providers:
              - name: cloud
                type: bedrock
                region: eu-west-1
                models: [claude-x]
                keys: [{ key: one, id: c-1, access_key_id: AKIAEXAMPLE0000A, rpm_limit: 50 }]
              - name: open
                type: openai
                base_url: http://127.0.0.1:%d
                models: [gpt-x]
                keys: [{ key: secret-4, id: o-1, rpm_limit: 50 }]
            """
                .formatted(CLIENT_KEY, provider.getLocalPort()));
    engine = RedisEngine.start(Configs.replica(config, redis.url(), "a"));
    upstream = new Upstream(carriers, LONG, LONG, LONG, () -> false);
    meters = new Meters(config);
    parts = TestAdmission.of(config, engine, upstream);
    routes = parts.routes();
    clientsPool = parts.clientsPool();
    pipeline =
        new RequestPipeline(
            new RequestPipeline.Serving(
                parts.clients(),
                clientsPool,
                parts.limited(),
                Plans.tally(engine, config.server().auth()),
                config.prices(),
                parts.allRoutes(),
                new RequestPipeline.Bounds(1_000_000, 1_000_000, 0, LONG),
                new RequestLog(0)),
            meters,
            null,
            LONG,
            new LeaseApi(engine.notes("notes")));
  }

  @AfterEach
  void stop() throws IOException {
    engine.close();
    upstream.close();
    carriers.close();
    meters.close();
    provider.close();
    redis.close();
  }

  /** Replaces the usual behaviour of a client in one call. */
  @FunctionalInterface
  private interface Odd {
    void act(String method, Object[] given) throws IOException;
  }

  private ClientExchange client(Dialect dialect, String target, String json, Odd odd) {
    return ScriptedExchange.of(
        (proxy, method, given) -> {
          odd.act(method.getName(), given);
          return switch (method.getName()) {
            case "method" -> "POST";
            case "dialect" -> dialect;
            case "target" -> target;
            case "header" -> "x-api-key".equals(given[0]) ? CLIENT_KEY : null;
            case "headers" -> List.of();
            case "readBody" -> new ClientExchange.Body.Whole(Payload.of(json.getBytes(UTF_8)));
            case "continueOnNewThread" -> {
              carriers.execute((Runnable) given[0]);
              yield null;
            }
            case "abort" -> {
              aborted.countDown();
              yield null;
            }
            default -> null;
          };
        });
  }

  private void serve(ClientExchange client, Endpoint endpoint) throws Exception {
    carriers.execute(() -> pipeline.serve(client, endpoint));
    assertTrue(aborted.await(60, TimeUnit.SECONDS));
    Await.until("the request has ended", () -> pipeline.running() == 0);
  }

  /** The body for Bedrock is made from a header: between the grant and the attempt. */
  @Test
  void an_error_between_the_grant_and_the_attempt_gives_both_leases_back() throws Exception {
    String json = "{\"model\":\"claude-x\",\"max_tokens\":10,\"messages\":[]}";
    ClientExchange client =
        client(
            Dialect.ANTHROPIC,
            "/v1/messages",
            json,
            (method, given) -> {
              if (method.equals("header") && "anthropic-beta".equals(given[0])) {
                throw new StackOverflowError("as a test wants it");
              }
            });
    serve(client, Endpoint.MESSAGES);
    KeyPool pool = routes.getFirst().pool();
    Await.until("no lease lives", () -> pool.liveLeases() == 0 && clientsPool.liveLeases() == 0);
    // Redis may get to know it after the replica has forgotten the lease
    Await.until(
        "nothing was sent, so nothing is charged",
        () -> TestAdmission.requests(pool) == 0 && TestAdmission.requests(clientsPool) == 0);
  }

  @Test
  void usage_is_counted_once_when_the_client_leaves_with_the_last_bytes() throws Exception {
    Thread.ofVirtual().start(this::answerOnce);
    ClientExchange client =
        client(
            Dialect.OPENAI,
            "/v1/chat/completions",
            "{\"model\":\"gpt-x\",\"stream\":true,\"messages\":[]}",
            (method, given) -> {
              calls.add(method);
              if (method.equals("write")) {
                throw new IOException("the client has left");
              }
            });
    serve(client, Endpoint.CHAT_COMPLETIONS);
    assertTrue(calls.contains("write"), calls.toString());
    assertEquals(
        "7.0",
        TestAdmission.metric(meters, "relay_client_tokens_total{client=\"team\",type=\"input\"}"));
    assertEquals(
        "3.0",
        TestAdmission.metric(meters, "relay_client_tokens_total{client=\"team\",type=\"output\"}"));
  }

  @Test
  void resources_are_closed_once_by_the_owner_that_has_them_last() {
    Caller caller = Objects.requireNonNull(parts.clients().authenticate(CLIENT_KEY, null));
    RequestRecord record = new RequestRecord("req_1", meters, new RequestLog(0));
    LeaseSearch search =
        parts
            .admission()
            .search(
                new KnownRequest("gpt-x", Set.of()),
                caller,
                List.of(routes.getLast()),
                record,
                new Cancellation());
    RequestResources first = new RequestResources();
    first.own(search);
    Admitted admitted = assertInstanceOf(Outcome.Leased.class, search.first()).admitted();
    Lease lease = admitted.lease();
    admitted.begin();
    RequestResources second = first.transfer();
    first.close();
    assertNull(lease.charged());
    second.close();
    Usage charged = lease.charged();
    assertNotNull(charged);
    assertEquals(1, charged.requests());
    assertEquals("0.0", TestAdmission.metric(meters, "relay_reserved_tokens"));
    second.close();
    assertEquals("0.0", TestAdmission.metric(meters, "relay_reserved_tokens"));
  }

  private void answerOnce() {
    try (Socket peer = provider.accept()) {
      InputStream in = peer.getInputStream();
      StringBuilder request = new StringBuilder();
      while (request.indexOf("\"messages\":[]") < 0) {
        request.append((char) in.read());
      }
      OutputStream out = peer.getOutputStream();
      String head =
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: "
              + EVENTS.length()
              + "\r\n\r\n";
      out.write((head + EVENTS).getBytes(ISO_8859_1));
      out.flush();
      assertTrue(aborted.await(60, TimeUnit.SECONDS));
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
