package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

/** A recorded walk: calls with their clocks, repeatable without its generator. */
record Trace(List<Move> moves) {
  Trace {
    moves = List.copyOf(moves);
  }

  /**
   * Whether every caller knows the current configuration. Shortening a walk must not break this: a
   * call that names a ready set it never announced proves nothing.
   */
  boolean isConsistent() {
    Step.Configure inForce = null;
    for (Move move : moves) {
      if (move instanceof Move.Call call) {
        if (call.step() instanceof Step.Configure configure) {
          inForce = configure;
        } else if (inForce == null || !inForce.equals(call.under())) {
          return false;
        }
      }
    }
    return true;
  }

  /** Shorter replacements of a call: with one request or lease less. None if it has only one. */
  static List<Move> parts(Move move) {
    List<Move> parts = new ArrayList<>();
    if (move instanceof Move.Call(Step step, Clock clock, Step.Configure under)) {
      int size =
          switch (step) {
            case Step.Acquire a -> a.endings().size() + a.wishes().size();
            case Step.AcquireIndexed a -> a.endings().size() + a.wishes().size();
            case Step.Settle s -> s.costs().size();
            case Step.Renew r -> r.held().size();
            case LearnStep l -> l.models().size();
            case TallyStep t -> t.clients().size();
            case TalliedStep t -> t.clients().size();
            case ProbeStep p -> p.ids().size();
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
          new Step.Acquire(
              without(a.endings(), n),
              without(a.wishes(), n - a.endings().size()),
              a.epoch(),
              a.leaseMs(),
              a.fields());
      case Step.AcquireIndexed a ->
          new Step.AcquireIndexed(
              without(a.endings(), n),
              without(a.wishes(), n - a.endings().size()),
              a.epoch(),
              a.leaseMs(),
              a.mine(),
              a.sets(),
              a.avoided(),
              a.fields());
      case Step.Settle s -> new Step.Settle(without(s.costs(), n), s.sets());
      case Step.Renew r -> new Step.Renew(r.leaseMs(), without(r.held(), n), r.sets());
      case LearnStep l -> new LearnStep(l.all(), without(l.models(), n));
      case TallyStep t -> new TallyStep(t.replica(), t.leaseMs(), without(t.clients(), n));
      case TalliedStep t -> new TalliedStep(t.replicas(), without(t.clients(), n));
      case ProbeStep p -> new ProbeStep(p.firstMs(), without(p.ids(), n));
      default -> step;
    };
  }

  /** All of them, if none has this index. */
  private static <T> List<T> without(List<T> all, int n) {
    List<T> rest = new ArrayList<>(all);
    if (n >= 0 && n < all.size()) {
      var _ = rest.remove(n);
    }
    return rest;
  }

  /** For display: one line per move, with times from the first call on. */
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
    return switch (step) {
      case Step.Acquire a ->
          costs(a.endings())
              + "acquire "
              + wishes(a.wishes())
              + " of "
              + String.join(" ", a.fields());
      case Step.AcquireIndexed a ->
          costs(a.endings())
              + ("acquire " + wishes(a.wishes()) + " of " + a.mine() + " without " + a.avoided());
      case Step.Settle s -> costs(s.costs());
      case Step.Configure c -> configure(c);
      case Step other -> other.toString();
    };
  }

  private static String costs(List<Step.Cost> costs) {
    return costs.isEmpty()
        ? ""
        : costs.stream()
            .map(c -> c.requests() == 0 ? c.id() + " unused" : of(c.id(), c.input(), c.output()))
            .collect(Collectors.joining(", ", "settle ", " "));
  }

  private static String wishes(List<Wish> wishes) {
    return wishes.stream()
        .map(
            w ->
                of(w.id(), w.input(), w.output())
                    + (w.session().isEmpty() ? "" : " of " + w.session()))
        .collect(Collectors.joining(", "));
  }

  private static String of(String id, long input, long output) {
    return id + " (" + input + " + " + output + ")";
  }

  private static String configure(Step.Configure c) {
    PoolPlan plan = c.plan();
    StringBuilder out = new StringBuilder("configure ");
    out.append(plan.window()).append(' ').append(plan.strategy()).append(' ');
    out.append(plan.accounting()).append(" burst ").append(plan.burstRatio());
    out.append(c.known() > 0 ? " known before" : "").append(c.rows().isEmpty() ? "" : " indexed");
    for (String group : plan.groups()) {
      Limits l = plan.limitsOf(group);
      out.append("\n    ").append(group).append(" limits of requests ").append(l.requests());
      out.append(", input ").append(l.inputTokens()).append(", output ").append(l.outputTokens());
      out.append(", both ").append(l.totalTokens());
    }
    for (KeyPlan key : plan.keys()) {
      out.append("\n    ").append(key.id()).append(" of ").append(key.account());
      out.append(" priority ").append(key.priority()).append(" weight ").append(key.weight());
      out.append(key.maxConcurrent() > 0 ? " at most " + key.maxConcurrent() + " at once" : "");
    }
    return out.toString();
  }
}
