package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.util.List;
import relay.redis.ScriptCaller.Call;

/**
 * Builds a call of {@code charge}.
 *
 * @param key of a request that still runs; otherwise none
 * @param leaseMs of a request that still runs; otherwise 0
 */
@SuppressWarnings("ArrayRecordComponent") // arguments of a call
record ChargeCall(PendingUpdate.LateCharge late, byte[] key, byte[] leaseMs) {

  /** What a running request has reserved, or more if it has made more. */
  static ChargeCall ofRunning(Lease lease, byte[] leaseMs, PendingUpdate.Spent spent) {
    long output = Math.max(lease.outputTokens(), lease.reportedMade());
    Usage reserved = new Usage(1, lease.inputTokens(), output);
    return new ChargeCall(
        new PendingUpdate.LateCharge(lease.id(), lease.group(), reserved, spent, 0),
        bytes(lease.key()),
        leaseMs);
  }

  /**
   * @param args the clock's; the others are appended
   */
  Call of(PoolScripts scripts, List<byte[]> args) {
    Usage usage = late.usage();
    args.add(bytes(late.id()));
    args.add(bytes(late.group()));
    args.add(bytes(usage.requests()));
    args.add(bytes(usage.inputTokens()));
    args.add(bytes(usage.outputTokens()));
    args.add(key);
    args.add(leaseMs);
    args.add(bytes(late.spreadMicros()));
    args.add(bytes(late.spent().nanodollars()));
    args.add(bytes(late.spent().budgets()));
    args.add(bytes(late.spent().made()));
    List<byte[]> keys = scripts.leaseKeys();
    keys.add(scripts.candidates().budgetsKey());
    return new Call(ScriptFile.CHARGE, keys, args);
  }
}
