package relay.redis.script;

import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;

/** The reply to a heartbeat of a plan's replica. */
record HeartbeatReply(PoolPlan plan, SurveyReply reply, SurveyReply.Fleet fleet) {

  /** Whether nothing changed since the snapshot, and nothing counts down. */
  boolean isAsIn(PoolSnapshot before) {
    return before.replicas() == reply.replicas()
        && before.leases() == reply.leases()
        && before.expiredLeases() == reply.expiredLeases()
        && before.configs().equals(fleet.configs())
        && before.clients().equals(reply.clients())
        && before.keys().stream().noneMatch(k -> k.draining() || !k.cooldown().isZero())
        && fleet.draining().isEmpty()
        && before.groups().stream().allMatch(g -> g.opens().isZero());
  }
}
