package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/** Two clients without any setting of their shares, at two replicas. */
@Tag("slow")
class EqualSharesTest {
  private static final long WINDOW_NANOS = 2_000_000_000L;
  private static final int LIMIT = 100; // a window
  private static final double SHARE = LIMIT / 2.0 / 2; // a second
  private static final int LEVELLED = 2; // windows until neither has what it had of an idle pool
  private static final int MEASURED = 3;

  @Test
  void who_asks_more_than_another_gets_no_more() throws Exception {
    try (RawProvider provider =
            new RawProvider(
                (_, connection) ->
                    connection.write(Says.json(200, Says.answer(Dialect.ANTHROPIC))));
        Replicas replicas = start(provider);
        Arrivals three = arrivals(replicas, Ask.of(Dialect.ANTHROPIC, "p"));
        Arrivals six = arrivals(replicas, Ask.of(Dialect.ANTHROPIC, "p").from("other"))) {
      double[] got = new double[2];
      three.saturateDuring(
          3 * SHARE, () -> six.saturateDuring(6 * SHARE, () -> measure(three, six, got)));
      assertEquals(List.of(), three.failures());
      assertEquals(List.of(), six.failures());
      double share = (got[0] + got[1]) / 2;
      assertEquals(share, got[0], 0.03 * share);
      assertTrue(share >= 0.9 * MEASURED * LIMIT / 2, "each got " + share);
    }
  }

  private static Replicas start(RawProvider provider) throws Exception {
    String pooling = "pooling: { affinity: none, window_ms: " + WINDOW_NANOS / 1_000_000 + " }";
    return new Setup()
        .client("other") // beside the client that every test has
        .provider(
            "p",
            Dialect.ANTHROPIC,
            provider,
            List.of(pooling),
            List.of(Setup.key("p-1", "rpm_limit: " + LIMIT)))
        .start(2);
  }

  private static Arrivals arrivals(Replicas replicas, Ask ask) {
    return new Arrivals(List.of(replicas.port(0), replicas.port(1)), ask, new Random(7));
  }

  private static void measure(Arrivals three, Arrivals six, double[] got) throws Exception {
    long start = System.nanoTime();
    Await.moment(start + LEVELLED * WINDOW_NANOS);
    int before = three.served();
    int others = six.served();
    Await.moment(start + (LEVELLED + MEASURED) * WINDOW_NANOS);
    got[0] = three.served() - before;
    got[1] = six.served() - others;
  }
}
