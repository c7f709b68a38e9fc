package relay.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.trial.load.LoadTally;
import relay.trial.load.PlainConnection;
import relay.trial.load.RequestBytes;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Stats;

@Timeout(30)
class PeerFiguresTest {
  private static final long SECOND = 1_000_000_000L;
  private static final List<Account> ACCOUNTS =
      List.of(
          new Account("one", List.of("key-1"), 60, 0, 0, 0),
          new Account("two", List.of("key-2"), 60, 0, 0, 0));

  /** Two accounts of 60 requests a minute and a bucket of ten each; a call each 0.5 s. */
  @Test
  void a_run_on_a_stated_clock_has_exactly_these_figures() throws IOException {
    AtomicLong nanos = new AtomicLong();
    try (ProviderSimulator provider =
            ProviderSimulator.start(
                Traffic.TEN_SECONDS.provider(ACCOUNTS), nanos::get, InstantSource.system());
        PlainConnection connection =
            new PlainConnection(
                new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), provider.port()), 512)) {
      calls(nanos, 0, 40, "key-1", connection);
      Stats before = provider.stats();
      calls(nanos, 20, 60, "key-1", connection);
      nanos.set(60 * SECOND);
      PeerFigures figures =
          PeerFigures.of(
              provider,
              before,
              provider.stats(),
              20 * SECOND,
              60 * SECOND,
              new LoadTally.Counts(
                  2_640, 1_200, List.of(400L, 400L, 400L), 400, 0, 40, 0, 30, 27, 0, 600, ""),
              List.of(10L, 100L, 100L, 2_900L, 2_900L, 58_000L));
      assertEquals(0.375, figures.used(), 1e-9); // 30 of 80
      assertEquals(30, figures.admitted());
      assertEquals(30, figures.refused());
      assertEquals(
          "| Some | 37.5 % | 500 | 1 % | 0.01, 2.9, 58 s | 90 % | 0 to 1, pause 11 s"
              + " | 1,200 of 2,640 |",
          figures.row("Some"));
      assertEquals(List.of(), figures.notes("Some"));
    }
  }

  private static void calls(
      AtomicLong nanos, long fromSeconds, int count, String key, PlainConnection connection)
      throws IOException {
    byte[] request =
        RequestBytes.plain("/v1/messages", List.of("x-api-key: " + key), false, "model", false);
    for (int n = 0; n < count; n++) {
      nanos.set(fromSeconds * SECOND + n * SECOND / 2);
      connection.exchange(request);
    }
  }

  @Test
  void a_cell_is_empty_where_nothing_can_be_said_and_failures_have_a_note() {
    AtomicLong nanos = new AtomicLong();
    try (ProviderSimulator provider =
        ProviderSimulator.start(
            Traffic.REQUESTS.provider(ACCOUNTS), nanos::get, InstantSource.system())) {
      PeerFigures figures =
          PeerFigures.of(
              provider,
              provider.stats(),
              provider.stats(),
              0,
              3 * SECOND,
              new LoadTally.Counts(
                  9, 0, List.of(0L), 0, 0, 0, 9, 0, 0, 2, 601, "status 503:\tnone | left"),
              List.of());
      assertEquals("| P | 0.0 % |  |  |  |  | 0 to 0, pause 3 s | 0 of 9 |", figures.row("P"));
      assertEquals(
          List.of(
              "P: 9 requests failed in another way than by a 429. The first: status 503: none |"
                  + " left",
              "P: 2 requests were not sent: too many were open.",
              "P: the load came up to 601 ms late, so this machine was busy."),
          figures.notes("P"));
    }
  }

  @Test
  void a_target_says_where_and_what_to_send() throws IOException {
    PeerTarget target =
        target("chat /v1/chat/completions m 4001 4002\nauthorization: Bearer k\n\n");
    assertEquals(List.of(4001, 4002), target.instances().stream().map(i -> i.getPort()).toList());
    String request = new String(target.request(true), StandardCharsets.US_ASCII);
    assertEquals("POST /v1/chat/completions HTTP/1.1", request.lines().findFirst().orElseThrow());
    assertEquals(1, request.split("\r\nauthorization: Bearer k\r\n", -1).length - 1, request);
    assertEquals(1, request.split("\\{\"model\":\"m\",", -1).length - 1, request);
    assertThrows(IOException.class, () -> target(""), "the script ended");
    assertThrows(IOException.class, () -> target("other /path m 4001\n\n"));
  }

  private static PeerTarget target(String text) throws IOException {
    return PeerTarget.read(new BufferedReader(new StringReader(text)));
  }
}
