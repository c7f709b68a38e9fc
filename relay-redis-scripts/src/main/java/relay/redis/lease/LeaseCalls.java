package relay.redis.lease;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import relay.redis.library.ScriptFile;
import relay.redis.model.Usage;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller;
import relay.redis.script.ScriptCaller.Call;

/** Calls that end leases, and that charge what no lease did. */
public record LeaseCalls(PoolScripts scripts) {

  /** Ends leases, with one reply for each. */
  CompletableFuture<List<Reply>> settle(List<PendingUpdate.Ending> endings) {
    if (scripts.candidates().isNamed()) {
      return new NamedCall(scripts, scripts.candidates()).settle(endings);
    }
    List<byte[]> k = scripts.caller().leaseKeys();
    k.addAll(scripts.candidates().allSets());
    StringBuilder line = new StringBuilder(scripts.caller().ceiling()).append(" -");
    List<byte[]> args = new ArrayList<>(1 + endings.size());
    args.add(ScriptCaller.NONE); // placeholder for the line
    appendEndings(endings, line, args);
    args.set(0, bytes(line.toString()));
    return scripts
        .caller()
        .call(new Call(ScriptFile.SETTLE, k, args))
        .thenApply(raw -> Reply.ofEndings(raw, endings.size()));
  }

  /** Appends the endings' costs to the line and their ids to the arguments. */
  static void appendEndings(
      List<PendingUpdate.Ending> endings, StringBuilder line, List<byte[]> args) {
    for (PendingUpdate.Ending ending : endings) {
      Usage cost = ending.cost();
      line.append(ending.isFinal() ? " x" : " ").append(cost.requests());
      line.append(' ').append(cost.inputTokens());
      line.append(' ').append(cost.outputTokens());
      args.add(bytes(ending.id()));
    }
  }

  /** Charges what Redis has not counted. The time is by the clock of its times. */
  public CompletableFuture<Reply> charge(PendingUpdate.LateCharge late, long now) {
    return charge(new ChargeCall(late, now, ScriptCaller.NONE, bytes(0), true));
  }

  /** As {@link #charge}, for a request that still runs: it holds a lease again. */
  CompletableFuture<Reply> chargeRunning(
      TrackedLease lease, Used used, PendingUpdate.Spent spent, long spread, long now) {
    boolean ofDay = scripts.plans().addsToDay(lease);
    return charge(ChargeCall.ofRunning(lease, used, scripts.leaseMs(), spent, spread, ofDay, now));
  }

  private CompletableFuture<Reply> charge(ChargeCall charge) {
    return scripts.callConfigured(
        () -> charge.of(scripts, scripts.caller().clockArgs()), Reply::of);
  }
}
