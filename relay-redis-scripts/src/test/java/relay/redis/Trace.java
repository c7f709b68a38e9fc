package relay.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A recorded walk: calls with their clocks, so that it can be made again without its generator. */
record Trace(List<Move> moves) {
  Trace {
    moves = List.copyOf(moves);
  }

  /**
   * Whether every caller knows the configuration in force. What a part of a walk left out may not
   * break that: a replica that asks for a ready set that it never announced proves nothing.
   */
  boolean isConsistent() {
    Step.Configure inForce = null;
    for (Move move : moves) {
      if (move instanceof Move.Call call) {
        if (call.step() instanceof Step.Configure configure) {
          inForce = configure;
        } else if (inForce == null || inForce != call.under()) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * The shorter calls that may stand for one: with one wish or lease less. None if it has but one.
   */
  static List<Move> parts(Move move) {
    List<Move> parts = new ArrayList<>();
    if (move instanceof Move.Call(Step step, PoolModel.Clock clock, Step.Configure under)) {
      int size =
          switch (step) {
            case Step.Acquire a -> a.wishes().size();
            case Step.AcquireIndexed a -> a.wishes().size();
            case Step.Settle s -> s.costs().size();
            case Step.Renew r -> r.ids().size();
            default -> 1;
          };
      for (int n = 0; n < size && size > 1; n++) {
        parts.add(new Move.Call(without(step, n), clock, under));
      }
    }
    return parts;
  }

  private static Step without(Step step, int n) {
    return switch (step) {
      case Step.Acquire a ->
          new Step.Acquire(without(a.wishes(), n), a.epoch(), a.leaseMs(), a.fields());
      case Step.AcquireIndexed a ->
          new Step.AcquireIndexed(
              without(a.wishes(), n),
              a.epoch(),
              a.leaseMs(),
              a.sets(),
              a.others(),
              a.avoided(),
              a.fields());
      case Step.Settle s -> new Step.Settle(without(s.costs(), n), s.sets());
      case Step.Renew r -> new Step.Renew(r.leaseMs(), without(r.ids(), n));
      default -> step;
    };
  }

  private static <T> List<T> without(List<T> all, int n) {
    List<T> rest = new ArrayList<>(all);
    var _ = rest.remove(n);
    return rest;
  }

  /** For people: a line a move, times from the first call on. */
  @Override
  public String toString() {
    StringBuilder out = new StringBuilder();
    long start = 0;
    for (Move move : moves) {
      switch (move) {
        case Move.Flush _ -> out.append("  everything is lost\n");
        case Move.Call call -> {
          long given = call.clock().given();
          start = start == 0 ? given : start;
          out.append(String.format("  at %,d us", given - start));
          if (call.clock().ceiling() > 0) {
            out.append(String.format(", at most %,d", call.clock().ceiling() - start));
          }
          out.append(": ").append(readable(call.step())).append('\n');
        }
      }
    }
    return out.toString();
  }

  private static String readable(Step step) {
    String text =
        switch (step) {
          case Step.Acquire a ->
              a.wishes() + " for " + a.leaseMs() + " ms of " + String.join(" ", a.fields());
          case Step.AcquireIndexed a ->
              a.wishes() + " for " + a.leaseMs() + " ms of " + a.sets() + " without " + a.avoided();
          case Step.Settle s -> Objects.toString(s.costs());
          case Step other -> other.toString();
        };
    return step.script() + " " + text;
  }
}
