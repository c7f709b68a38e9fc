package relay.redis.walk;

import io.lettuce.core.RedisFuture;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.ScriptConnection;
import relay.redis.script.RedisKeys;

/**
 * Applies every move to a pool in Redis and to its model, both empty at first. The scripts' replies
 * and stored state must match the model.
 */
final class ModelReplay implements AutoCloseable {
  /** What to compare after a move, besides the reply. */
  enum Depth {
    REPLY,
    STATE,
    RING
  }

  private final ScriptConnection wire;
  private final RedisKeys names;
  private final PoolModel model = new PoolModel();
  private final Ledger ledger = new Ledger();

  ModelReplay(ScriptConnection wire, String pool) {
    this.wire = wire;
    names = new RedisKeys("model", pool);
    flush();
  }

  PoolModel model() {
    return model;
  }

  /** Returns the reply; empty for a flush. */
  List<Object> take(Move move, Depth depth) {
    return switch (move) {
      case Move.Flush _ -> {
        flush();
        yield List.of();
      }
      case Move.Call call -> take(call.step(), call.clock(), depth);
    };
  }

  private void flush() {
    List<String> all = wire.names(names.base());
    if (!all.isEmpty()) {
      wire.redis().del(all.stream().map(RedisKeys::bytes).toArray(byte[][]::new));
    }
    model.flushAll();
    ledger.forget();
    ledger.forgetLeases();
  }

  private List<Object> take(Step step, Clock clock, Depth depth) {
    if (step instanceof Step.Configure) {
      ledger.forget();
    }
    CompletableFuture<List<Object>> sent =
        wire.send(step.script(), step.keys(names), step.args(clock).toArray());
    RedisFuture<Map<byte[], byte[]>> state =
        depth == Depth.REPLY ? null : wire.async().hgetall(names.state);
    if (step instanceof Step.Survey) {
      // It expires after a minute of real time, which may be shorter than the walk on a busy
      // machine
      var _ = wire.async().persist(names.replicas);
    }
    if (step instanceof TallyStep) {
      var _ = List.of(step.keys(names)).stream().map(wire.async()::persist).toList(); // as above
    }
    List<Object> expected = step.apply(model, clock); // while Redis works
    List<Object> reply = ScriptConnection.readable(sent.join());
    ReplyCheck.compare(expected, reply);
    model.endings.moves().forEach(ledger::moved);
    write(step, reply);
    if (state != null) {
      StoredPool stored = new StoredPool(state.toCompletableFuture().join());
      StateCheck.compare(model, stored);
      if (depth == Depth.RING) {
        StateCheck.compareRing(
            model, stored, wire.redis().hgetall(names.win), wire.redis().hgetall(names.leases));
        UncountedCheck.compare(model, wire, names);
      }
    }
    return reply;
  }

  /** Records in the ledger, which checks every grant. */
  private void write(Step step, List<Object> reply) {
    long code = (Long) reply.getFirst();
    if (code == 1 && reply.size() > 1 && reply.get(1) instanceof Long time) {
      switch (step) {
        case Step.Acquire a -> {
          ended(a.endings(), time, reply);
          granted(a.wishes(), 2 + a.endings().size(), reply);
        }
        case Step.AcquireIndexed a -> {
          ended(a.endings(), time, reply);
          granted(a.wishes(), 2 + a.endings().size(), reply);
        }
        case Step.Settle s -> ended(s.costs(), time, reply);
        case Step.Observe _ -> ledger.forget();
        case ChargeStep c -> ledger.charged(time, c, model.held(c.id()) != null);
        case Step.Renew _,
            CooldownStep _,
            QuarantineStep _,
            RestoreStep _,
            SweepStep _,
            Step.Configure _,
            Step.Survey _,
            Step.Uncounted _ -> {}
      }
    }
  }

  private void ended(List<Step.Cost> costs, long time, List<Object> reply) {
    for (int n = 0; n < costs.size(); n++) {
      Step.Cost cost = costs.get(n);
      if ((Long) reply.get(2 + n) >= 0) {
        ledger.ended(cost, time);
      }
    }
  }

  private void granted(List<Wish> wishes, int from, List<Object> reply) {
    Map<String, Double> coming = new HashMap<>(); // what was to come after the wishes so far
    for (int n = wishes.size() - 1; n >= 0; n--) {
      LeaseModel lease = lease(wishes.get(n), from + 5 * n, reply);
      if (lease != null && lease.isComing()) {
        double all = coming.getOrDefault(lease.group, model.group(lease.group).coming);
        coming.put(lease.group, all - lease.output);
      }
    }
    for (int n = 0; n < wishes.size(); n++) {
      LeaseModel lease = lease(wishes.get(n), from + 5 * n, reply);
      if (lease != null) {
        GroupModel g = model.group(lease.group);
        double all = coming.getOrDefault(lease.group, g.coming);
        all += lease.isComing() ? lease.output : 0;
        coming.put(lease.group, all);
        ledger.granted(lease, g, lease.input, lease.output, all, model.shape());
      }
    }
  }

  /** The lease of a new grant; null for a refusal or a repeated grant. */
  private @Nullable LeaseModel lease(Wish wish, int at, List<Object> reply) {
    LeaseModel held = model.held(wish.id());
    if (held == null || (Long) reply.get(at) < 1) {
      return null;
    }
    return ledger.isNew(wish.id(), held.since) ? held : null;
  }

  @Override
  public void close() {
    flush();
  }
}
