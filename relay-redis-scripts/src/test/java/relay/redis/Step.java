package relay.redis;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import relay.redis.PoolModel.Clock;

/** One call of a script, with everything but the time: so it can be made again, later. */
sealed interface Step {
  ScriptFile script();

  byte[][] keys(RedisKeys names);

  /** The script's arguments. */
  List<Object> args(Clock clock);

  /** The same on the model; gives the reply that is expected. */
  List<Object> apply(PoolModel model, Clock clock);

  private static byte[][] four(RedisKeys n, String id) {
    return new byte[][] {n.state, n.win, n.leases, n.lease(id)};
  }

  record Acquire(String id, long epoch, long input, long output, long leaseMs, List<String> fields)
      implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.ACQUIRE;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return four(names, id);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args =
          new ArrayList<>(Arrays.asList(id, epoch, c.ceiling(), c.given(), input, output, leaseMs));
      args.addAll(fields);
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.acquire(c, id, epoch, input, output, leaseMs * 1000, fields);
    }
  }

  record Settle(String id, long input, long output) implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.SETTLE;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return four(names, id);
    }

    @Override
    public List<Object> args(Clock c) {
      return List.of(id, c.ceiling(), c.given(), input, output);
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.settle(c, id, input, output);
    }
  }

  record Cancel(String id) implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.CANCEL;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return four(names, id);
    }

    @Override
    public List<Object> args(Clock c) {
      return List.of(id, c.ceiling(), c.given());
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.cancel(c, id);
    }
  }

  record Renew(long leaseMs, List<String> ids) implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.RENEW;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      List<byte[]> keys = new ArrayList<>(List.of(names.state, names.leases));
      ids.forEach(id -> keys.add(names.lease(id)));
      return keys.toArray(byte[][]::new);
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args = new ArrayList<>(List.of(c.ceiling(), c.given(), leaseMs));
      args.addAll(ids);
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.renew(c, leaseMs * 1000, ids);
    }
  }

  record Charge(String id, String group, long requests, long input, long output) implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.CHARGE;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return new byte[][] {names.state, names.win, names.lease(id)};
    }

    @Override
    public List<Object> args(Clock c) {
      return List.of(c.ceiling(), c.given(), group, requests, input, output);
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.charge(c, id, group, requests, input, output);
    }
  }

  record Cooldown(String field, long millis) implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.COOLDOWN;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return new byte[][] {names.state};
    }

    @Override
    public List<Object> args(Clock c) {
      return List.of(c.ceiling(), c.given(), field, millis);
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.cooldown(c, field, millis * 1000);
    }
  }

  record Quarantine(String reason, List<String> ids) implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.QUARANTINE;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return new byte[][] {names.state, names.quarantine};
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args = new ArrayList<>(List.of(reason));
      args.addAll(ids);
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.quarantine(reason, ids);
    }
  }

  record Restore(List<String> fields) implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.RESTORE;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return new byte[][] {names.state, names.quarantine};
    }

    @Override
    public List<Object> args(Clock c) {
      return List.copyOf(fields);
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.restore(fields);
    }
  }

  record Configure(long known, long fresh, PoolPlan plan) implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.CONFIGURE;
    }

    @Override
    public byte[][] keys(RedisKeys names) {
      return new byte[][] {names.state, names.win, names.quarantine, names.picture};
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args = new ArrayList<>(List.of(c.ceiling(), c.given(), known, fresh));
      args.add(plan.window().toMillis());
      args.add(plan.strategy().code());
      args.add(String.format(Locale.ROOT, "%.6f", plan.burstRatio()));
      args.add(plan.groups().size());
      for (String group : plan.groups()) {
        args.add(group);
        for (Dimension d : Dimension.values()) {
          args.add(plan.limitsOf(group).of(d));
        }
      }
      for (KeyPlan key : plan.keys()) {
        args.addAll(List.of(key.id(), key.maxConcurrent(), key.priority(), key.weight()));
      }
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.configure(c, known, fresh, plan);
    }
  }

  record Survey(String replica, long staleMs, List<String> groups, List<KeyPlan> plans)
      implements Step {
    @Override
    public ScriptFile script() {
      return ScriptFile.SURVEY;
    }

    @Override
    public byte[][] keys(RedisKeys n) {
      return new byte[][] {
        n.state, n.win, n.leases, n.quarantine, n.picture, n.replicas, n.summary
      };
    }

    @Override
    public List<Object> args(Clock c) {
      List<Object> args =
          new ArrayList<>(List.of(replica, c.ceiling(), c.given(), staleMs, groups.size()));
      args.addAll(groups);
      plans.forEach(k -> args.addAll(List.of(k.id(), k.account())));
      return args;
    }

    @Override
    public List<Object> apply(PoolModel model, Clock c) {
      return model.survey(
          c, replica, staleMs * 1000, groups, plans.stream().map(KeyPlan::id).toList());
    }
  }
}
