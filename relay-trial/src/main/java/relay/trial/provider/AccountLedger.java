package relay.trial.provider;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.AccountStats;
import relay.trial.provider.ProviderSimulator.Enforcement;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * One account of the provider: a meter for each limit, and the charges. An admission charges 1
 * request and its input; output is charged while it is produced.
 */
final class AccountLedger {
  /** The provider's decision; a refusal names the limit and the time until it has room. */
  sealed interface Admission {
    record Admitted() implements Admission {}

    record Refused(String dimension, long waitNanos) implements Admission {}
  }

  /** A limit, for the headers. */
  record Gauge(long limit, long remaining, long fullNanos) {}

  /** The limits of an account, for the headers; a limit of 0 has no headers. */
  record Gauges(Gauge requests, Gauge input, Gauge output, Gauge total) {}

  private static final Admission ADMITTED = new Admission.Admitted();
  private static final int MAX_HISTORY_SECONDS = 600;

  private final ReentrantLock lock = new ReentrantLock();
  private final Account account;
  private final Settings settings;

  /** Read under the lock, so that charges are in the order of time. */
  private final LongSupplier nanoClock;

  private QuotaMeter requests;
  private QuotaMeter input;
  private QuotaMeter output;
  private QuotaMeter total;
  private ChargeLog log = new ChargeLog();
  private long sinceNanos;
  private long admitted;
  private long inputTokens;
  private long outputTokens;
  private long refused;
  private long lastAdmissionNanos;
  private long longestGapNanos;

  AccountLedger(Account account, Settings settings, LongSupplier nanoClock) {
    this.account = account;
    this.settings = settings;
    this.nanoClock = nanoClock;
    long nowNanos = nanoClock.getAsLong();
    this.requests = meter(account.rpm(), nowNanos);
    this.input = meter(account.itpm(), nowNanos);
    this.output = meter(account.otpm(), nowNanos);
    this.total = meter(account.tpm(), nowNanos);
    this.sinceNanos = nowNanos;
  }

  Account account() {
    return account;
  }

  /**
   * Admits a request, or refuses it. A refused one changes nothing, unless it counts.
   *
   * @param outputUpFront output tokens charged to the total now instead of while they are produced,
   *     as openai does with {@code max_tokens}
   */
  Admission admit(long requestInput, long outputUpFront) {
    lock.lock();
    try {
      long nowNanos = nanoClock.getAsLong();
      long byRequests = requests.waitNanos(nowNanos, 1);
      long byInput = input.waitNanos(nowNanos, requestInput);
      long byOutput = output.waitNanos(nowNanos, 1); // the length of the answer is not known yet
      long byTotal = total.waitNanos(nowNanos, Math.max(1, requestInput + outputUpFront));
      long wait = Math.max(Math.max(byRequests, byInput), Math.max(byOutput, byTotal));
      if (wait > 0) {
        refused++;
        if (settings.enforcement() == Enforcement.COUNTING_BUCKET) {
          requests.takeAtMost(nowNanos, 1);
        }
        String dimension =
            wait == byRequests
                ? "requests"
                : wait == byInput ? "input tokens" : wait == byOutput ? "output tokens" : "tokens";
        return new Admission.Refused(dimension, wait);
      }
      requests.take(nowNanos, 1);
      input.take(nowNanos, requestInput);
      total.take(nowNanos, requestInput + outputUpFront);
      log.add(nowNanos, 1, requestInput, 0);
      if (admitted > 0) {
        longestGapNanos = Math.max(longestGapNanos, nowNanos - lastAdmissionNanos);
      }
      lastAdmissionNanos = nowNanos;
      admitted++;
      inputTokens += requestInput;
      return ADMITTED;
    } finally {
      lock.unlock();
    }
  }

  /** Charges output just produced. */
  void produced(long tokens, boolean chargedUpFront) {
    lock.lock();
    try {
      long nowNanos = nanoClock.getAsLong();
      output.take(nowNanos, tokens);
      if (!chargedUpFront) {
        total.take(nowNanos, tokens);
      }
      log.add(nowNanos, 0, 0, tokens);
      outputTokens += tokens;
    } finally {
      lock.unlock();
    }
  }

  Gauges gauges() {
    lock.lock();
    try {
      long nowNanos = nanoClock.getAsLong();
      return new Gauges(
          gauge(requests, nowNanos),
          gauge(input, nowNanos),
          gauge(output, nowNanos),
          gauge(total, nowNanos));
    } finally {
      lock.unlock();
    }
  }

  ChargeLog.Sum charged(long fromNanos, long toNanos) {
    lock.lock();
    try {
      return log.between(fromNanos, toNanos);
    } finally {
      lock.unlock();
    }
  }

  long[] admissions(long fromNanos, long toNanos) {
    lock.lock();
    try {
      return log.admissions(fromNanos, toNanos);
    } finally {
      lock.unlock();
    }
  }

  AccountStats stats() {
    lock.lock();
    try {
      long nowNanos = nanoClock.getAsLong();
      long from = Math.max(sinceNanos, nowNanos - MAX_HISTORY_SECONDS * 1_000_000_000L);
      return new AccountStats(
          account.id(),
          admitted,
          refused,
          inputTokens,
          outputTokens,
          longestGapNanos,
          Arrays.stream(log.perSecond(from, nowNanos)).boxed().toList());
    } finally {
      lock.unlock();
    }
  }

  /** Full buckets, empty history. */
  void reset() {
    lock.lock();
    try {
      long nowNanos = nanoClock.getAsLong();
      requests = meter(account.rpm(), nowNanos);
      input = meter(account.itpm(), nowNanos);
      output = meter(account.otpm(), nowNanos);
      total = meter(account.tpm(), nowNanos);
      log = new ChargeLog();
      sinceNanos = nowNanos;
      admitted = 0;
      inputTokens = 0;
      outputTokens = 0;
      refused = 0;
      lastAdmissionNanos = 0;
      longestGapNanos = 0;
    } finally {
      lock.unlock();
    }
  }

  private QuotaMeter meter(long limit, long nowNanos) {
    long windowNanos = settings.window().toNanos();
    if (limit == 0) {
      return new NoLimit();
    }
    return switch (settings.enforcement()) {
      case TOKEN_BUCKET, COUNTING_BUCKET -> {
        long capacity = Math.max(1, Math.round(limit * settings.capacityRatio()));
        yield new TokenBucket(limit, capacity, windowNanos, nowNanos);
      }
      case SLIDING_LOG -> new SlidingLog(limit, windowNanos);
    };
  }

  private static Gauge gauge(QuotaMeter meter, long nowNanos) {
    return new Gauge(meter.limit(), meter.remaining(nowNanos), meter.fullNanos(nowNanos));
  }
}
