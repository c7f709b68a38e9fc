package relay.redis.lease;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import relay.redis.library.ScriptFile;
import relay.redis.model.Demand;
import relay.redis.model.Share;
import relay.redis.script.Candidates;
import relay.redis.script.PoolScripts;
import relay.redis.script.RedisKeys;
import relay.redis.script.ScriptCaller.Call;

/** The KEYS and ARGV of {@code acquire_pinned}. */
public final class PinnedCall {
  private PinnedCall() {}

  public static Call of(PoolScripts scripts, RedisKeys names, String lease, Demand demand) {
    Candidates candidates = scripts.candidates();
    Demand served = candidates.served(demand);
    // The account has no other keys, so none is avoided.
    Demand wanted = (served == null ? demand : served).avoiding(Set.of());
    StringBuilder line = scripts.callLine().append(" 0 ").append(wanted.pinned().size());
    line.append(wanted.session().isEmpty() ? " 0" : " 1");
    candidates.appendReadySets(wanted.modelClass(), line);
    line.append(' ').append(wanted.inputTokens()).append(' ').append(wanted.outputTokens());
    AcquireCalls.appendSpread(wanted, line.append(' '));
    Share share = wanted.share();
    if (share != null && !candidates.isIndexed()) {
      share.appendOnly(line);
    }
    List<byte[]> k = scripts.caller().leaseKeys();
    if (!wanted.session().isEmpty()) {
      k.add(candidates.session(wanted.modelClass(), wanted.session()));
    }
    wanted.pinned().forEach(hash -> k.addAll(names.pins(hash)));
    k.addAll(candidates.allSets());
    List<byte[]> args = new ArrayList<>();
    args.add(bytes(line.toString()));
    args.add(bytes(wanted.modelClass()));
    args.add(candidates.isIndexed() ? bytes(candidates.kindOf(wanted)) : candidates.lineOf(wanted));
    args.add(bytes(lease));
    wanted.pinned().forEach(hash -> args.add(bytes(hash)));
    return new Call(ScriptFile.ACQUIRE_PINNED, k, args);
  }
}
