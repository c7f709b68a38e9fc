package relay.redis.walk;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import relay.redis.model.Limits;

/** What the configuration and the provider's answers say of limits, in the model. */
final class ObservationModel {
  private final PoolModel pool;
  private final Map<String, long[]> configured = new HashMap<>();
  private final Map<String, AnswersModel> learned = new HashMap<>();

  ObservationModel(PoolModel pool) {
    this.pool = pool;
  }

  void flushAll() {
    configured.clear();
    learned.clear();
  }

  void configure(String group, Limits l) {
    configured.put(
        group, new long[] {l.requests(), l.inputTokens(), l.outputTokens(), l.totalTokens()});
  }

  AnswersModel answers(String group) {
    return learned.computeIfAbsent(group, g -> new AnswersModel());
  }

  /** Whether answers told anything of a group. */
  boolean hasAnswers(String group) {
    return answers(group).any;
  }

  /** The effective limit of a stated and a configured one. */
  long[] effective(String group) {
    long[] wanted = configured.getOrDefault(group, new long[4]);
    long[] stated = answers(group).stated;
    long[] limits = new long[4];
    for (int d = 0; d < 4; d++) {
      boolean one = wanted[d] == 0 || stated[d] == 0;
      limits[d] = one ? Math.max(wanted[d], stated[d]) : Math.min(wanted[d], stated[d]);
    }
    return limits;
  }

  /** An answer to a part of an account tells of the account where it states its limit. */
  long[] observe(GroupModel g, Step.Observe answer, long now) {
    GroupModel above = g.above;
    if (above == null) {
      return apply(g, answer, now);
    }
    long[] most = configured.getOrDefault(g.id, new long[4]);
    List<Long> left = new ArrayList<>(answer.left());
    List<Long> statedAbove = new ArrayList<>(List.of(0L, 0L, 0L, 0L));
    for (int d = 0; d < 4; d++) {
      long stated = answer.stated().get(d);
      if (stated > 0 && stated == above.limits[d]) {
        statedAbove.set(d, stated);
        left.set(d, -1L);
      } else if (most[d] > 0 && stated > most[d]) {
        left.set(d, -1L);
      }
    }
    long[] foreign = apply(g, with(answer, answer.stated(), left), now);
    if (statedAbove.stream().anyMatch(stated -> stated > 0)) {
      long[] others = apply(above, with(answer, statedAbove, answer.left()), now);
      for (int d = 0; d < 3; d++) {
        foreign[d] += others[d];
      }
    }
    return foreign;
  }

  private static Step.Observe with(Step.Observe answer, List<Long> stated, List<Long> left) {
    return new Step.Observe(
        answer.group(), stated, left, answer.granted(), answer.fullMs(), List.of());
  }

  private long[] apply(GroupModel g, Step.Observe answer, long now) {
    g.flow(now, pool.shape());
    AnswersModel told = answers(g.id);
    told.any = true;
    double had = AnswersModel.admitted(told.leastShare(), g.burst, pool.shape());
    for (int d = 0; d < 4; d++) {
      told.stated[d] = answer.stated().get(d) > 0 ? answer.stated().get(d) : told.stated[d];
    }
    g.limit(effective(g.id), now, pool.shape());
    return g.others.charged(told, had, answer, now, pool.shape());
  }
}
