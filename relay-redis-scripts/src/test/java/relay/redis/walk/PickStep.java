package relay.redis.walk;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/**
 * Picks a key for an uncounted request.
 *
 * @param draw selects among the usable keys
 * @param fields candidates, highest priority first
 */
record PickStep(long draw, List<String> fields) implements Step.Uncounted {
  @Override
  public ScriptFile script() {
    return ScriptFile.PICK;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    return new byte[][] {names.state};
  }

  @Override
  public List<Object> args(Clock c) {
    List<Object> args = new ArrayList<>(List.of(c.ceiling(), c.told(), draw));
    args.addAll(fields);
    return args;
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    if (!model.isKnown() || !fields.stream().allMatch(model::knows)) {
      return PoolModel.UNKNOWN;
    }
    Runnable rewind = model.rewinder();
    long now = model.time(c);
    rewind.run(); // a pick writes nothing, not even the pool's time
    List<Object> reply = new ArrayList<>(List.of(1L, now));
    reply.addAll(answer(inUse(model), now));
    return reply;
  }

  /** A key that is not quarantined, with one of its groups. */
  record Server(KeyModel key, GroupModel group) {
    /** The time at which neither is cooling down. */
    long from() {
      return Math.max(key.cooldownEnd, group.cooldownEnd);
    }
  }

  List<Server> inUse(PoolModel model) {
    List<Server> inUse = new ArrayList<>();
    for (int n = 0; n < fields.size(); n += 2) {
      if (model.knows(fields.get(n)) && model.knows(fields.get(n + 1))) {
        KeyModel key = model.key(fields.get(n).substring(2));
        if (key.quarantine == null) {
          inUse.add(new Server(key, model.group(fields.get(n + 1).substring(2))));
        }
      }
    }
    return inUse;
  }

  private List<Object> answer(List<Server> inUse, long now) {
    if (inUse.isEmpty()) {
      return List.of(-2L, 0L, 0L, 0L, 0L);
    }
    List<Server> ready = inUse.stream().filter(s -> s.from() <= now).toList();
    if (ready.isEmpty()) {
      Server first = inUse.stream().min(Comparator.comparingLong(Server::from)).orElseThrow();
      return List.of(0L, first.from() - now, 0L, first.key().id, 0L);
    }
    int highest = ready.stream().mapToInt(s -> s.key().priority).max().orElseThrow();
    List<Server> best = ready.stream().filter(s -> s.key().priority == highest).toList();
    Server picked = best.get((int) (draw % best.size()));
    return List.of(1L, picked.key().id, picked.group().id, 0L, 0L);
  }
}
