package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * The usage of clients without limits, as operators see it at two replicas. Each test has its own
 * client.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClientUsageTest {
  private static final String LEASE = "-Drelay.timings=lease=3000";

  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas = setup().start(2);

  ClientUsageTest() throws Exception {}

  private Setup setup() throws IOException {
    Setup setup = new Setup().jvm(LEASE);
    for (String client :
        List.of("both", "stream", "twice", "uncounted", "nowhere", "crash", "many")) {
      setup.client(client);
    }
    return setup
        .provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("p-1"), Setup.key("p-2"))
        .provider("nowhere", Dialect.ANTHROPIC, Setup.nowhere(), Setup.key("nowhere"));
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static Ask ask(String client) {
    return Ask.of(Dialect.ANTHROPIC, "p").from(client);
  }

  private static Ask stream(String client) {
    return Ask.stream(Dialect.ANTHROPIC, "p").from(client);
  }

  private void answersWell() {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
  }

  private void awaitUse(int replica, String client, int requests, int inFlight) throws Exception {
    String expected =
        "{\"rpm\":%d,\"itpm\":%d,\"otpm\":%d,\"tpm\":%d}"
            .formatted(
                requests,
                requests * Says.INPUT,
                requests * Says.OUTPUT,
                requests * (Says.INPUT + Says.OUTPUT));
    try {
      Await.until(
          "its use is seen",
          () -> {
            JsonNode now = replicas.client(replica, client);
            return now.get("used").toString().equals(expected)
                && now.get("in_flight").asInt() == inFlight;
          });
    } catch (AssertionError e) {
      throw new AssertionError(
          "wanted " + expected + ", seen " + replicas.client(replica, client), e);
    }
  }

  @Test
  void usage_is_summed_over_all_replicas() throws Exception {
    answersWell();
    for (int n = 0; n < 7; n++) {
      assertEquals(200, RawClient.ask(replicas.port(n % 2), ask("both")).status());
    }
    awaitUse(0, "both", 7, 0);
    awaitUse(1, "both", 7, 0);
    assertTrue(replicas.client(0, "both").get("limits").isNull());
  }

  @Test
  void a_stream_is_in_flight_until_it_ends_and_counts_as_usage_then() throws Exception {
    CountDownLatch ends = new CountDownLatch(1);
    List<String> events = Says.events(Dialect.ANTHROPIC);
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          connection.chunk(events.getFirst());
          if (!ends.await(30, TimeUnit.SECONDS)) {
            connection.reset();
          }
          connection.chunk(String.join("", events.subList(1, events.size())));
          connection.chunk("");
        });
    List<RawClient> open = new ArrayList<>();
    for (int n = 0; n < 3; n++) {
      RawClient wire = new RawClient(replicas.port(n % 2));
      open.add(wire.send(stream("stream")).head());
    }
    awaitUse(0, "stream", 0, 3);
    awaitUse(1, "stream", 0, 3);
    ends.countDown();
    for (RawClient wire : open) {
      try (wire) {
        assertTrue(wire.rest().whole());
      }
    }
    awaitUse(0, "stream", 3, 0);
    awaitUse(1, "stream", 3, 0);
  }

  @Test
  void a_request_that_takes_two_attempts_counts_once() throws Exception {
    List<String> answers =
        new ArrayList<>(
            List.of(
                Says.json(500, Says.error(Dialect.ANTHROPIC, "api_error", "oops")),
                Says.fine(Dialect.ANTHROPIC)));
    provider.script((request, connection) -> connection.write(answers.removeFirst()));
    Answer answer = RawClient.ask(replicas.port(0), ask("twice"));
    assertEquals("2", answer.header("x-relay-attempts"), answer.toString());
    awaitUse(0, "twice", 1, 0);
  }

  @Test
  void uncharged_and_unsent_requests_are_not_charged_to_the_client() throws Exception {
    provider.script(
        (request, connection) -> connection.write(Says.json(200, "{\"input_tokens\":7}")));
    Ask count = ask("uncounted").target("/v1/messages/count_tokens");
    assertEquals(200, RawClient.ask(replicas.port(0), count).status());
    assertEquals(400, RawClient.ask(replicas.port(0), ask("uncounted").body("{")).status());
    Ask nowhere = Ask.of(Dialect.ANTHROPIC, "nowhere").from("nowhere");
    assertEquals(502, RawClient.ask(replicas.port(0), nowhere).status());
    answersWell();
    assertEquals(200, RawClient.ask(replicas.port(0), ask("uncounted")).status());
    awaitUse(0, "uncounted", 1, 0);
    awaitUse(0, "nowhere", 0, 0);
  }

  @Test
  void the_in_flight_requests_of_a_dead_replica_are_dropped() throws Exception {
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          connection.chunk(Says.events(Dialect.ANTHROPIC).getFirst());
          connection.awaitClosed();
        });
    try (Replicas doomed = setup().on(replicas.redis()).start(1);
        RawClient wire = new RawClient(doomed.port(0))) {
      assertEquals(200, wire.send(stream("crash")).head().status());
      awaitUse(1, "crash", 0, 1);
      doomed.get(0).kill();
      awaitUse(1, "crash", 0, 0);
    }
  }

  @Test
  void usage_is_reported_in_batches() throws Exception {
    answersWell();
    try (Monitor monitor = new Monitor(replicas.redis().port());
        RawClient wire = new RawClient(replicas.port(0))) {
      long began = System.nanoTime();
      for (int n = 0; n < 200; n++) {
        assertEquals(200, wire.send(ask("many")).answer().status());
      }
      long most = 3 + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
      long told = monitor.until().stream().filter(line -> line.contains("_tally\"")).count();
      assertTrue(told <= 2 * most, told + " calls in " + most + " s"); // per replica
    }
    awaitUse(1, "many", 200, 0);
  }
}
