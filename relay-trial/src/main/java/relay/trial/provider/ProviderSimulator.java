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

/**
 * A provider on loopback that keeps to what providers document: a token bucket per account and
 * limit, filled continuously; a request that does not fit gets a real 429 in its dialect.
 *
 * <p>{@code POST /v1/messages}, {@code /v1/chat/completions} and {@code /v1/responses} (JSON and
 * SSE), {@code POST /v1/messages/count_tokens} and {@code /v1/embeddings}; files, batches, images
 * and audio are given back as they come. The caller scripts the answer by {@code x-sim-*} headers,
 * see {@link Script}. Requests cost 1, input is charged at admission, output as it is produced;
 * openai's {@code max_tokens}, where stated, is charged to {@code tpm} at admission instead of the
 * output. A fault that is a status, or comes before the first byte, charges nothing.
 *
 * <p>Every charge is kept with its time, so the used share of any interval can be computed: {@link
 * #usedShare}.
 */
public final class ProviderSimulator implements AutoCloseable {

  /** What a provider counts. */
  public enum Dimension {
    REQUESTS,
    INPUT_TOKENS,
    OUTPUT_TOKENS
  }

  /** How a limit is enforced. */
  public enum Enforcement {
    /** What providers document. */
    TOKEN_BUCKET,
    /** The strictest thing imaginable: never more than the limit in any window. */
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
   */
  public record Settings(
      List<Account> accounts,
      Duration window,
      double capacityRatio,
      Enforcement enforcement,
      int port) {
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
   * What happened on one account since the start or the last reset.
   *
   * @param refused 429s for want of capacity (not those that were ordered as faults)
   * @param longestGapNanos between two admissions that followed each other
   * @param admittedPerSecond the last 600 s at most
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
   * What happened since the start or the last reset.
   *
   * @param openAnswers answers that are being given now
   * @param abortedAnswers answers whose reader went away
   * @param secretsSeen credentials as they came, known or not; at most 1024
   */
  public record Stats(
      List<AccountStats> accounts,
      long unauthorized,
      long faults,
      long countTokens,
      long openAnswers,
      long abortedAnswers,
      Set<String> secretsSeen) {

    /** 429s for want of capacity, over all accounts. */
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

  private ProviderSimulator(Settings settings, LongSupplier nanoClock, InstantSource wallClock) {
    this.nanoClock = nanoClock;
    this.window = settings.window();
    this.state = new SimulatorState(wallClock);
    Map<String, AccountLedger> bySecret = new HashMap<>();
    for (Account account : settings.accounts()) {
      AccountLedger ledger = new AccountLedger(account, settings, nanoClock);
      byAccount.put(account.id(), ledger);
      account.secrets().forEach(secret -> bySecret.put(secret, ledger));
    }
    SimulatorHandler api = new SimulatorHandler(bySecret, state);
    SimulatorControl control = new SimulatorControl(this);
    this.server =
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
                })
            .build();
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
    return new ProviderSimulator(settings, nanoClock, wallClock);
  }

  /** The {@code base_url} for a relay. */
  public URI url() {
    return URI.create("http://127.0.0.1:" + port());
  }

  /** The port it listens on. */
  public int port() {
    return ((InetSocketAddress) server.getListenerInfo().getFirst().getAddress()).getPort();
  }

  /** Now, on the clock of the charges. */
  public long nowNanos() {
    return nanoClock.getAsLong();
  }

  /** What happened so far. */
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

  /** What an account was charged in [from, to) on {@link #nowNanos}'s clock. */
  public long charged(String account, Dimension dimension, long fromNanos, long toNanos) {
    ChargeLog.Sum sum = ledger(account).charged(fromNanos, toNanos);
    return switch (dimension) {
      case REQUESTS -> sum.requests();
      case INPUT_TOKENS -> sum.inputTokens();
      case OUTPUT_TOKENS -> sum.outputTokens();
    };
  }

  /** Charged in [from, to) over what the limit allows in that time; 0 where there is no limit. */
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
   * Lets so many more events of the streams pass that named this gate by {@code x-sim-gate}. Their
   * first event needs none.
   */
  public void release(String gate, int events) {
    state.gates.release(gate, events);
  }

  /**
   * Commits a fault on the next {@code times} requests of an account.
   *
   * @param fault as in {@code x-sim-fault}: {@code 429}, {@code spend-429}, {@code 401}, {@code
   *     403}, {@code 500}, {@code 503}, {@code 529}, {@code reset-at-start}, {@code
   *     reset-mid-body}, {@code stall-at-start}, {@code stall-mid-stream}, {@code truncated},
   *     {@code error-event}
   */
  public void order(String account, String fault, int times) {
    ledger(account); // throws if there is no such account
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
