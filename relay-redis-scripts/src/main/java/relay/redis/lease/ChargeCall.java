package relay.redis.lease;

import static relay.redis.script.RedisKeys.bytes;

import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.script.PoolScripts;
import relay.redis.script.ScriptCaller.Call;

/**
 * Builds a call of {@code charge}.
 *
 * @param now by the clock of the times at which it was used
 * @param key of a request that still runs; otherwise none
 * @param leaseMs of a request that still runs; otherwise 0
 * @param ofDay whether the group's day counts it; otherwise that has it already
 */
@SuppressWarnings("ArrayRecordComponent") // arguments of a call
public record ChargeCall(
    PendingUpdate.LateCharge late, long now, byte[] key, byte[] leaseMs, boolean ofDay) {

  /**
   * The charge of a request that runs.
   *
   * @param used see {@link Used#ofRunning}
   */
  public static ChargeCall ofRunning(
      TrackedLease lease,
      Used used,
      byte[] leaseMs,
      PendingUpdate.Spent spent,
      long spreadMicros,
      boolean ofDay,
      long now) {
    return new ChargeCall(
        new PendingUpdate.LateCharge(lease.id(), lease.group(), List.of(used), spent, spreadMicros),
        now,
        bytes(lease.key()),
        leaseMs,
        ofDay);
  }

  /**
   * @param args the clock's; the others are appended
   */
  public Call of(PoolScripts scripts, List<byte[]> args) {
    args.add(bytes(late.id()));
    args.add(bytes(late.group()));
    args.add(key);
    args.add(leaseMs);
    args.add(bytes(late.spreadMicros()));
    args.add(bytes(ofDay ? 1 : 0));
    args.add(bytes(late.spent().nanodollars()));
    args.add(bytes(late.spent().tokens()));
    args.add(bytes(late.spent().budgets()));
    args.add(bytes(late.spent().made()));
    late.used().forEach(part -> part.appendTo(args, now));
    List<byte[]> keys = scripts.caller().leaseKeys();
    keys.add(scripts.candidates().budgetsKey());
    return new Call(ScriptFile.CHARGE, keys, args);
  }
}
