package relay.trial.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.trial.load.PlainConnection;
import relay.trial.load.RequestBytes;
import relay.trial.provider.AccountLedger.Admission;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Enforcement;
import relay.trial.provider.ProviderSimulator.Settings;

@Timeout(30)
class SimulatorSettingsTest {
  private static final Duration WINDOW = Duration.ofSeconds(10);
  private static final Account TEN = new Account("a", List.of("secret"), 10, 0, 0, 0);

  /** Calls at 1.6 times the limit, and at four times it, as of a gateway that retries at once. */
  @ParameterizedTest
  @CsvSource({
    "TOKEN_BUCKET, 625, 100",
    "COUNTING_BUCKET, 625, 0",
    "COUNTING_BUCKET, 250, 0",
    "COUNTING_BUCKET, 1000, 100",
    "SLIDING_LOG, 625, 100"
  })
  void who_asks_too_often_is_never_admitted_where_refused_requests_count(
      Enforcement enforcement, long everyMillis, long admitted) {
    AtomicLong nanos = new AtomicLong();
    AccountLedger ledger =
        new AccountLedger(TEN, new Settings(List.of(TEN), WINDOW, 1, enforcement, 0), nanos::get);
    int first = 0;
    int later = 0;
    for (long millis = 0; millis < 200_000; millis += everyMillis) {
      nanos.set(millis * 1_000_000);
      if (ledger.admit(1, 0) instanceof Admission.Admitted) {
        first += millis < 100_000 ? 1 : 0;
        later += millis < 100_000 ? 0 : 1;
      }
    }
    assertEquals(admitted, later, "after " + first);
  }

  @Test
  void what_is_left_is_taken_in_every_kind_of_limit() {
    TokenBucket bucket = new TokenBucket(10, 10, WINDOW.toNanos(), 0);
    bucket.take(0, 9);
    bucket.takeAtMost(500_000_000, 2); // of one and a half
    assertEquals(1_000_000_000, bucket.waitNanos(500_000_000, 1));
    bucket.take(500_000_000, 1);
    bucket.takeAtMost(500_000_000, 1); // in debt: nothing
    assertEquals(2_000_000_000, bucket.waitNanos(500_000_000, 1));
    SlidingLog log = new SlidingLog(10, WINDOW.toNanos());
    log.takeAtMost(0, 11);
    assertEquals(0, log.remaining(0));
    assertEquals(WINDOW.toNanos(), log.waitNanos(0, 10), "and not more than that");
  }

  @Test
  void a_stream_has_as_many_events_as_the_settings_say() throws IOException {
    Settings settings = new Settings(List.of(TEN), WINDOW, 1, Enforcement.TOKEN_BUCKET, 0, 8);
    try (ProviderSimulator simulator = ProviderSimulator.start(settings);
        PlainConnection connection =
            new PlainConnection(
                new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), simulator.port()),
                8_192)) {
      byte[] request =
          RequestBytes.plain("/v1/messages", List.of("x-api-key: secret"), false, "m", true);
      String stream = connection.exchange(request).bodyEnd();
      assertEquals(8, stream.split("event: content_block_delta", -1).length - 1, stream);
      byte[] chat =
          RequestBytes.plain(
              "/v1/chat/completions", List.of("authorization: Bearer secret"), true, "m", true);
      stream = connection.exchange(chat).bodyEnd();
      assertEquals(8, stream.split("some more words", -1).length - 1, stream);
    }
  }
}
