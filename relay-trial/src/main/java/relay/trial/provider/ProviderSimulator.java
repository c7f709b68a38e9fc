package relay.trial.provider;

import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A provider on loopback that enforces limits as providers document them: a token bucket for each
 * limit of an account, refilled continuously. A request that does not fit gets a real 429 in its
 * dialect.
 *
 * <p>{@code POST /v1/messages}, {@code /v1/chat/completions} and {@code /v1/responses} (JSON and
 * SSE), {@code POST /v1/messages/count_tokens} and {@code /v1/embeddings}; requests for files,
 * batches, images and audio get their own body back. The {@code x-sim-*} headers of a request
 * script its answer, see {@link Script}. Requests cost 1, input is charged at admission, output
 * while it is produced; openai's {@code max_tokens}, if present, is charged to {@code tpm} at
 * admission instead of the output. A fault charges nothing if it is a status or precedes the first
 * byte.
 *
 * <p>Every charge is kept with its time, which gives the used share of any interval: {@link
 * #usedShare}.
 */
public final class ProviderSimulator implements AutoCloseable {

  /** The counted quantities. */
  public enum Dimension {
    REQUESTS,
    INPUT_TOKENS,
    OUTPUT_TOKENS
  }

  /** The way to enforce a limit. */
  public enum Enforcement {
    /** As providers document it. */
    TOKEN_BUCKET,
    /** The same, and refused requests count, too, as openai documents. */
    COUNTING_BUCKET,
    /** The strictest way: never more than the limit in any interval of one window. */
    SLIDING_LOG
  }

  /**
   * An account and the keys that share its limits.
   *
   * @param rpm requests per window; 0 = no limit, as for the others
   * @param itpm input tokens per window
   * @param otpm output tokens per window
   * @param tpm input and output tokens together per window
   */
  public record Account(String id, List<String> secrets, long rpm, long itpm, long otpm, long tpm) {
    public Account {
      secrets = List.copyOf(secrets);
    }
  }

  /**
   * @param window length of the limits' window; providers have a minute, tests less
   * @param capacityRatio the buckets' capacity as a share of the limit, in (0, 1]
   * @param port 0 = any free one
   * @param events content events of a stream that orders no other number
   */
  public record Settings(
      List<Account> accounts,
      Duration window,
      double capacityRatio,
      Enforcement enforcement,
      int port,
      int events) {
    /** With streams of five events. */
    public Settings(
        List<Account> accounts,
        Duration window,
        double capacityRatio,
        Enforcement enforcement,
        int port) {
      this(accounts, window, capacityRatio, enforcement, port, 5);
    }

    public Settings {
      accounts = List.copyOf(accounts);
      if (window.isNegative() || window.isZero() || window.compareTo(Duration.ofMinutes(1)) > 0) {
        throw new IllegalArgumentException("window must be in (0, 1 min]");
      }
      if (!(capacityRatio > 0 && capacityRatio <= 1)) {
        throw new IllegalArgumentException("capacityRatio must be in (0, 1]");
      }
    }

    /** Token buckets of full capacity on any free port. */
    public static Settings of(Duration window, Account... accounts) {
      return new Settings(List.of(accounts), window, 1, Enforcement.TOKEN_BUCKET, 0);
    }
  }

  /**
   * The counts of one account since the start or the last reset.
   *
   * @param refused 429s because a limit was used up, without ordered faults
   * @param longestGapNanos the longest time between two consecutive admissions
   * @param admittedPerSecond of the last 600 s at most
   */
  public record AccountStats(
      String account,
      long admitted,
      long refused,
      long inputTokens,
      long outputTokens,
      long longestGapNanos,
      List<Integer> admittedPerSecond) {}

  /**
   * All counts since the start or the last reset.
   *
   * @param openAnswers answers in progress
   * @param abortedAnswers answers aborted because the reader closed the connection
   * @param secretsSeen the received credentials, known or not; at most 1024
   */
  public record Stats(
      List<AccountStats> accounts,
      long unauthorized,
      long faults,
      long countTokens,
      long openAnswers,
      long abortedAnswers,
      Set<String> secretsSeen) {

    /** 429s because a limit was used up, over all accounts. */
    public long refused() {
      return accounts.stream().mapToLong(AccountStats::refused).sum();
    }

    /** Requests admitted, over all accounts. */
    public long admitted() {
      return accounts.stream().mapToLong(AccountStats::admitted).sum();
    }
  }

  private final LongSupplier nanoClock;
  private final Duration window;
  private final Map<String, AccountLedger> byAccount = new LinkedHashMap<>();
  private final SimulatorState state;
  private final Undertow server;

  private ProviderSimulator(
      Settings settings,
      @Nullable SSLContext tls,
      LongSupplier nanoClock,
      InstantSource wallClock) {
    this.nanoClock = nanoClock;
    this.window = settings.window();
    this.state = new SimulatorState(wallClock);
    Map<String, AccountLedger> bySecret = new HashMap<>();
    for (Account account : settings.accounts()) {
      AccountLedger ledger = new AccountLedger(account, settings, nanoClock);
      byAccount.put(account.id(), ledger);
      account.secrets().forEach(secret -> bySecret.put(secret, ledger));
    }
    SimulatorHandler api = new SimulatorHandler(bySecret, state, settings.events());
    SimulatorControl control = new SimulatorControl(this);
    Undertow.Builder builder =
        Undertow.builder()
            .addHttpListener(settings.port(), "127.0.0.1")
            .setIoThreads(2)
            .setWorkerThreads(1)
            .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, 64L << 20)
            .setHandler(
                exchange -> {
                  if (exchange.getRequestPath().startsWith("/sim/")) {
                    control.handleRequest(exchange);
                  } else {
                    api.handleRequest(exchange);
                  }
                });
    if (tls != null) {
      builder.addHttpsListener(0, "127.0.0.1", tls);
      builder.setServerOption(UndertowOptions.ENABLE_HTTP2, true);
    }
    this.server = builder.build();
    server.start();
  }

  /** Starts a provider on the machine's clocks. */
  public static ProviderSimulator start(Settings settings) {
    return start(settings, System::nanoTime, InstantSource.system());
  }

  /**
   * Starts a provider on given clocks: {@code nanoClock} monotonic, for the buckets and the log.
   */
  public static ProviderSimulator start(
      Settings settings, LongSupplier nanoClock, InstantSource wallClock) {
    return new ProviderSimulator(settings, null, nanoClock, wallClock);
  }

  /** Starts a provider that also listens with TLS, for HTTP/1.1 and HTTP/2. */
  public static ProviderSimulator start(Settings settings, SSLContext tls) {
    return new ProviderSimulator(settings, tls, System::nanoTime, InstantSource.system());
  }

  /** The {@code base_url} for a relay. */
  public URI url() {
    return URI.create("http://127.0.0.1:" + port());
  }

  /** The same with TLS, if it has that. */
  public URI secureUrl() {
    return URI.create("https://127.0.0.1:" + port(server.getListenerInfo().getLast()));
  }

  /** The port it listens on. */
  public int port() {
    return port(server.getListenerInfo().getFirst());
  }

  private static int port(Undertow.ListenerInfo listener) {
    return ((InetSocketAddress) listener.getAddress()).getPort();
  }

  /** The current time on the clock of the charges. */
  public long nowNanos() {
    return nanoClock.getAsLong();
  }

  /** The counts so far. */
  public Stats stats() {
    return new Stats(
        byAccount.values().stream().map(AccountLedger::stats).toList(),
        state.unauthorized.sum(),
        state.faults.sum(),
        state.countTokens.sum(),
        state.openAnswers.sum(),
        state.abortedAnswers.sum(),
        state.secretsSeen());
  }

  /** The charges of an account in [from, to) on {@link #nowNanos}'s clock. */
  public long charged(String account, Dimension dimension, long fromNanos, long toNanos) {
    ChargeLog.Sum sum = ledger(account).charged(fromNanos, toNanos);
    return switch (dimension) {
      case REQUESTS -> sum.requests();
      case INPUT_TOKENS -> sum.inputTokens();
      case OUTPUT_TOKENS -> sum.outputTokens();
    };
  }

  /** The charges in [from, to) divided by the limit for that time; 0 without a limit. */
  public double usedShare(String account, Dimension dimension, long fromNanos, long toNanos) {
    Account limits = ledger(account).account();
    long limit =
        switch (dimension) {
          case REQUESTS -> limits.rpm();
          case INPUT_TOKENS -> limits.itpm();
          case OUTPUT_TOKENS -> limits.otpm();
        };
    double allowed = (double) limit * (toNanos - fromNanos) / window.toNanos();
    return allowed == 0 ? 0 : charged(account, dimension, fromNanos, toNanos) / allowed;
  }

  /** Times of an account's admissions in [from, to), oldest first; some 100,000 are kept. */
  public long[] admissions(String account, long fromNanos, long toNanos) {
    return ledger(account).admissions(fromNanos, toNanos);
  }

  /** The flow of all accounts together in [from, to). */
  public Flow flow(long fromNanos, long toNanos) {
    long[] times =
        byAccount.values().stream()
            .flatMapToLong(ledger -> Arrays.stream(ledger.admissions(fromNanos, toNanos)))
            .sorted()
            .toArray();
    return Flow.of(times, fromNanos, toNanos);
  }

  /** The longest time in [from, to) in which an account admitted nothing. */
  public long longestPauseNanos(String account, long fromNanos, long toNanos) {
    long previous = fromNanos;
    long longest = 0;
    for (long time : admissions(account, fromNanos, toNanos)) {
      longest = Math.max(longest, time - previous);
      previous = time;
    }
    return Math.max(longest, toNanos - previous);
  }

  /**
   * Permits {@code events} more events of the streams that named this gate by {@code x-sim-gate}.
   * Their first event needs no permit.
   */
  public void release(String gate, int events) {
    state.gates.release(gate, events);
  }

  /**
   * Injects a fault into the next {@code times} requests of an account.
   *
   * @param fault as in {@code x-sim-fault}: {@code 429}, {@code spend-429}, {@code 401}, {@code
   *     403}, {@code 500}, {@code 503}, {@code 529}, {@code reset-at-start}, {@code
   *     reset-mid-body}, {@code stall-at-start}, {@code stall-mid-stream}, {@code truncated},
   *     {@code error-event}
   */
  public void order(String account, String fault, int times) {
    ledger(account); // throws for an unknown account
    SimulatedFault named = SimulatedFault.named(fault);
    if (named == null) {
      throw new IllegalArgumentException("no fault is named " + fault);
    }
    state.order(account, named, times);
  }

  /** Full buckets, empty history, no orders. */
  public void reset() {
    byAccount.values().forEach(AccountLedger::reset);
    state.reset();
  }

  /** Stops listening and closes every connection. */
  @Override
  public void close() {
    server.stop();
  }

  private AccountLedger ledger(String account) {
    AccountLedger ledger = byAccount.get(account);
    if (ledger == null) {
      throw new IllegalArgumentException(
          "no account " + account + "; there are " + Arrays.toString(byAccount.keySet().toArray()));
    }
    return ledger;
  }
}
