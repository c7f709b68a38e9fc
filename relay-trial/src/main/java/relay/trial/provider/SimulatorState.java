package relay.trial.provider;

import java.time.InstantSource;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** The counters and orders of the simulated provider, apart from its accounts' ledgers. */
final class SimulatorState {
  private static final int MAX_SECRETS = 1024;

  /** A fault that a test ordered for an account. */
  private record Ordered(SimulatedFault fault, int times) {}

  final InstantSource wallClock;
  final StreamGates gates = new StreamGates();
  final LongAdder unauthorized = new LongAdder();
  final LongAdder faults = new LongAdder();
  final LongAdder countTokens = new LongAdder();
  final LongAdder openAnswers = new LongAdder();
  final LongAdder abortedAnswers = new LongAdder();
  private final Set<String> secretsSeen = ConcurrentHashMap.newKeySet();
  private final Map<String, Ordered> ordered = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();

  SimulatorState(InstantSource wallClock) {
    this.wallClock = wallClock;
  }

  String nextId() {
    return String.format("sim%012x", ids.incrementAndGet());
  }

  void noteSecret(@Nullable String secret) {
    if (secret != null && secretsSeen.size() < MAX_SECRETS) {
      secretsSeen.add(secret);
    }
  }

  Set<String> secretsSeen() {
    return Set.copyOf(secretsSeen);
  }

  void order(String account, SimulatedFault fault, int times) {
    ordered.put(account, new Ordered(fault, times));
  }

  /** The next ordered fault of this account, or null; counts it down. */
  @Nullable SimulatedFault nextFault(String account) {
    if (ordered.isEmpty()) {
      return null;
    }
    SimulatedFault[] due = new SimulatedFault[1];
    ordered.computeIfPresent(
        account,
        (_, order) -> {
          due[0] = order.fault();
          return order.times() == 1 ? null : new Ordered(order.fault(), order.times() - 1);
        });
    return due[0];
  }

  void ended(AnswerWriter.Ending ending) {
    openAnswers.decrement();
    switch (ending) {
      case COMPLETE -> {}
      case FAULT -> faults.increment();
      case ABORTED -> abortedAnswers.increment();
    }
  }

  void reset() {
    unauthorized.reset();
    faults.reset();
    countTokens.reset();
    abortedAnswers.reset();
    secretsSeen.clear();
    ordered.clear();
  }
}
