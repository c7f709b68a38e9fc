package relay.trial.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.Undertow;
import io.undertow.util.HttpString;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.trial.load.PlainConnection.Answer;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Dimension;
import relay.trial.provider.ProviderSimulator.Settings;

@Tag("slow")
@Timeout(30)
class LoadTest {

  @Test
  void counts_what_the_other_side_counts_whole_answers_and_streams() {
    try (ProviderSimulator simulator =
            ProviderSimulator.start(
                Settings.of(
                    Duration.ofSeconds(10), new Account("a", List.of("secret"), 100, 0, 0, 0)));
        Load load = new Load(plan(simulator.port(), 400, 256), new SplittableRandom(7))) {
      load.run(Duration.ofSeconds(2)); // a 429 tells a second: those of the first one come again
      LoadTally.Counts counts = load.counts();
      assertEquals(0, counts.errors(), counts.firstError());
      assertEquals(simulator.stats().admitted(), counts.granted());
      assertEquals(simulator.stats().refused(), counts.relay429());
      assertEquals(counts.sent(), counts.granted() + counts.relay429());
      assertEquals(0, counts.exact429(), "the provider has no retry-after-ms");
      assertTrue(Math.abs(counts.granted() - 120) <= 1, "a full bucket and two seconds' refill");
      assertEquals(counts.relay429(), load.toldMs().size());
      assertEquals(
          20 * counts.granted(),
          simulator.charged("a", Dimension.OUTPUT_TOKENS, 0, Long.MAX_VALUE));
      assertTrue(counts.retried() > 0);
      long split = counts.grantedByReplica().get(0) - counts.grantedByReplica().get(1);
      assertTrue(Math.abs(split) < 40, counts.toString());
      load.startOver();
      assertEquals(0, load.counts().sent() + load.toldMs().size());
    }
  }

  @Test
  void arrivals_beyond_the_bound_are_dropped_and_counted() {
    try (ProviderSimulator simulator =
            ProviderSimulator.start(
                Settings.of(
                    Duration.ofSeconds(10), new Account("a", List.of("secret"), 0, 0, 0, 0)));
        Load load = new Load(plan(simulator.port(), 2000, 1), new SplittableRandom(7))) {
      load.run(Duration.ofMillis(300));
      assertTrue(load.counts().skipped() > 0);
      assertEquals(load.counts().sent(), load.counts().granted());
    }
  }

  @Test
  void a_stream_without_its_last_event_is_an_error() {
    LoadTally tally = new LoadTally(1);
    Map<String, String> stream = Map.of("content-type", "text/event-stream");
    tally.answered(0, new Answer(200, stream, "data: {\"type\":\"message_stop\"}\n\n"));
    tally.answered(0, new Answer(200, stream, "data: {\"type\":\"ping\"}\n\n"));
    tally.answered(0, new Answer(502, Map.of(), "{}"));
    assertEquals(1, tally.counts().granted());
    assertEquals(2, tally.counts().errors());
    assertEquals("a stream ended without its last event", tally.counts().firstError());
  }

  @Test
  void a_stream_of_chat_completions_ends_with_done() {
    LoadTally tally = new LoadTally(1);
    Map<String, String> stream = Map.of("content-type", "text/event-stream");
    tally.answered(0, new Answer(200, stream, "data: {}\n\ndata: [DONE]\n\n"));
    assertEquals(1, tally.counts().granted());
  }

  @Test
  void bursts_keep_their_rate_and_leave_the_rest_of_each_period_out() {
    ArrivalTimes bursts = ArrivalTimes.bursts(10, Duration.ofSeconds(2), Duration.ofSeconds(5));
    double[] times = new double[61];
    for (int n = 1; n < times.length; n++) {
      times[n] = bursts.next(times[n - 1], 1);
    }
    assertEquals(1.9e9, times[19]);
    assertEquals(5e9, times[20], "the first of the second burst");
    assertEquals(15e9, times[60], "three periods of 20 each");
  }

  @Test
  void relays_429s_and_the_providers_are_told_apart() {
    LoadTally tally = new LoadTally(1);
    tally.answered(0, limited("relay", "1", "250"));
    tally.answered(0, limited("relay", "2", "250"));
    tally.answered(0, limited("upstream", "1", "250"));
    assertEquals(2, tally.counts().relay429());
    assertEquals(1, tally.counts().exact429(), "250 ms is one second rounded up, not two");
    assertEquals(1, tally.counts().upstream429());
  }

  @Test
  void retry_after_needs_both_headers_and_that_they_agree() {
    assertEquals(new RetryAfter(1001, true), RetryAfter.of(limited("relay", "2", "1001")));
    assertEquals(new RetryAfter(1000, true), RetryAfter.of(limited("relay", "1", "1000")));
    assertEquals(new RetryAfter(250, false), RetryAfter.of(limited("relay", "", "250")));
    assertEquals(new RetryAfter(1000, false), RetryAfter.of(limited("relay", "1", "")));
    assertEquals(new RetryAfter(-1, false), RetryAfter.of(limited("relay", "", "-5")));
  }

  @Test
  void the_probe_tells_an_exact_retry_after_from_one_that_is_off() throws Exception {
    assertTrue(probe(0).holds(), "exact");
    assertEquals(0, probe(-150).granted(), "too early a time is not granted");
    assertEquals(0, probe(150).refused(), "too late a time was granted a slot before");
  }

  /**
   * A gateway that grants one request every 400 ms, of which two wait at first; {@code offMs} is
   * the error of its retry-after.
   */
  private static RetryProbe.Outcome probe(long offMs) throws IOException {
    AtomicLong freeAtNanos = new AtomicLong(System.nanoTime());
    AtomicInteger waiting = new AtomicInteger(2);
    AtomicInteger early = new AtomicInteger();
    Undertow gateway =
        Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setIoThreads(1)
            .setWorkerThreads(1)
            .setHandler(
                exchange -> {
                  if (exchange.getRequestPath().equals("/pools")) {
                    exchange.getResponseSender().send("{\"pools\":[{\"groups\":[]}]}");
                    return;
                  }
                  if (exchange.getRequestPath().equals("/clients")) {
                    int now = waiting.getAndUpdate(n -> Math.max(0, n - 1));
                    exchange
                        .getResponseSender()
                        .send("{\"clients\":[{\"waiting\":" + now + "},{\"waiting\":0}]}");
                    return;
                  }
                  early.addAndGet(waiting.get());
                  long nowNanos = System.nanoTime();
                  long waitNanos = freeAtNanos.get() - nowNanos;
                  if (waitNanos <= 0) {
                    freeAtNanos.set(nowNanos + 400_000_000L);
                    exchange.setResponseContentLength(0);
                    return;
                  }
                  long ms = Math.ceilDiv(waitNanos, 1_000_000L) + offMs;
                  exchange.setStatusCode(429);
                  exchange.getResponseHeaders().put(new HttpString("retry-after-ms"), ms);
                  exchange.getResponseHeaders().put(new HttpString("retry-after"), 1);
                })
            .build();
    gateway.start();
    try {
      InetSocketAddress address =
          (InetSocketAddress) gateway.getListenerInfo().getFirst().getAddress();
      byte[] request = RequestBytes.messages("key", 100, 20, false);
      RetryProbe.Outcome outcome =
          new RetryProbe(address, address, request, Duration.ofSeconds(12))
              .run(2, Duration.ofSeconds(4));
      assertEquals(0, early.get(), "asked while others waited");
      return outcome;
    } finally {
      gateway.stop();
    }
  }

  private static Load.Plan plan(int port, double perSecond, int maxInFlight) {
    InetSocketAddress address = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    return new Load.Plan(
        List.of(address, address),
        ArrivalTimes.steady(perSecond),
        Duration.ZERO,
        RequestBytes.ofManySizes("secret", 100, 20, false),
        RequestBytes.ofManySizes("secret", 100, 20, true),
        3,
        4,
        maxInFlight);
  }

  private static Answer limited(String origin, String seconds, String ms) {
    return new Answer(
        429,
        Map.of("x-relay-error-origin", origin, "retry-after", seconds, "retry-after-ms", ms),
        "");
  }
}
