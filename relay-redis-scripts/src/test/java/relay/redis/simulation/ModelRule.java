package relay.redis.simulation;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.ReportPace;
import relay.redis.model.Accounting;
import relay.redis.model.ExpectedOutput;
import relay.redis.walk.AnswersModel;
import relay.redis.walk.GroupModel;
import relay.redis.walk.LeaseModel;
import relay.redis.walk.ModelTest;
import relay.redis.walk.Shape;
import relay.redis.walk.Step;

/**
 * The engine as an admission rule, by the model that {@link ModelTest} holds equal to the scripts.
 */
final class ModelRule implements AdmissionRule {
  private static final int OUTPUT = 2;

  private final Shape shape;
  private final GroupModel group;
  private final Map<Long, LeaseModel> leases = new HashMap<>();
  private final AnswersModel answers = new AnswersModel();

  ModelRule(Accounting accounting, long limit, long now) {
    this(accounting, limit, 1, now);
  }

  ModelRule(Accounting accounting, long limit, double burst, long now) {
    shape = new Shape(Account.MINUTE, 0, accounting == Accounting.TOKEN_BUCKET);
    group = new GroupModel("account/model", now);
    group.burst = burst;
    group.limit(new long[] {0, 0, limit, 0}, now, shape);
  }

  @Override
  public @Nullable Pass admit(long now, long number, int replica, Ask ask) {
    long tokens = ask.tokens();
    double load = group.load(OUTPUT, tokens, tokens, now, shape);
    if (group.cooldownEnd > now || Double.isNaN(load)) {
      return null;
    }
    group.flow(now, shape);
    boolean coming = ask.spread() >= 0;
    group.charge(now, shape, 1, 0, coming ? 0 : tokens);
    group.relax(now);
    if (coming) {
      group.expect(now, shape, now, now, 0, 0, tokens, 0, ask.spread());
      leases.put(number, new LeaseModel("", "", "", now, 0, tokens, ask.spread(), 0));
    }
    return new Pass(number, replica, now, tokens);
  }

  @Override
  public void report(long now, Pass pass, long made, ExpectedOutput rest) {
    LeaseModel lease = leases.get(pass.number());
    if (lease != null && made > lease.made) {
      group.report(lease, now, shape, made, rest.tokens(), rest.spread());
    }
  }

  @Override
  public void told(long now, Pass pass, long left, long fullMs) {
    List<Long> stated = List.of(0L, 0L, group.limits[OUTPUT], 0L);
    double had = AnswersModel.admitted(answers.leastShare(), group.burst, shape);
    answers.stated[OUTPUT] = group.limits[OUTPUT];
    group.flow(now, shape);
    List<Long> rest = List.of(-1L, -1L, left, -1L);
    List<Long> full = List.of(-1L, -1L, fullMs, -1L);
    Step.Observe answer = new Step.Observe("", stated, rest, pass.at(), full, List.of());
    group.others.charged(answers, had, answer, now, shape);
  }

  @Override
  public ReportPace pace(long now) {
    return AdmissionRule.paceOf(
        shape.bucket() ? Accounting.TOKEN_BUCKET : Accounting.SLIDING_WINDOW,
        group.burst * group.shrunkAt(now));
  }

  @Override
  public void settle(long now, Pass pass, long tokens) {
    LeaseModel lease = leases.remove(pass.number());
    if (lease != null) {
      group.report(lease, now, shape, tokens, 0, 0);
      return;
    }
    long over = tokens - pass.tokens();
    group.flow(now, shape);
    group.charge(now, shape, 0, 0, Math.max(0, over));
    group.refund(pass.at(), now, shape, 0, 0, Math.max(0, -over));
  }

  @Override
  public void refused(long now, Pass pass, long waitMicros) {
    group.refused(pass.at(), now, shape);
    group.cooldownEnd = Math.max(group.cooldownEnd, now + waitMicros);
    settle(now, pass, 0);
  }

  @Override
  public long largest() {
    return group.limits[OUTPUT];
  }
}
