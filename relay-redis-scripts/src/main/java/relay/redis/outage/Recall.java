package relay.redis.outage;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.LeaseRenewals;
import relay.redis.lease.Recovery;
import relay.redis.lease.TrackedLease;
import relay.redis.lease.Used;
import relay.redis.script.PoolScripts;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;

/**
 * When a pool's state was lost, each replica tells what it has used in the last window, so that the
 * pool need not reckon with whole limits. It need not any longer when all have told that any of
 * them saw alive. Requests that still run are charged one by one, with their places.
 */
public final class Recall {
  private static final int GROUPS = 50; // in a call: some milliseconds
  private static final long MISSING_NANOS = 60_000_000_000L; // as fleet/missing_replicas.lua

  private final PoolScripts scripts;
  private final String replica;
  private final Recovery recovery;
  private final LeaseRenewals renewals;
  private final LongSupplier nanoTime;
  private final AtomicBoolean telling = new AtomicBoolean();
  private final Map<String, Long> seen = new HashMap<>(); // replicas, and when; guarded by this
  private String alive = ""; // separated by blanks; guarded by this
  private long epoch; // guarded by this
  private final AtomicReference<@Nullable Story> story = new AtomicReference<>();

  /**
   * What is to be told.
   *
   * @param groups by call
   * @param all the replicas that were seen alive
   * @param isTold whether all calls were answered
   */
  private record Story(
      long epoch,
      long since,
      List<List<String>> groups,
      Map<String, List<Used>> used,
      String all,
      AtomicBoolean isTold) {}

  public Recall(
      PoolScripts scripts,
      String replica,
      Recovery recovery,
      LeaseRenewals renewals,
      LongSupplier nanoTime) {
    this.scripts = scripts;
    this.replica = replica;
    this.recovery = recovery;
    this.renewals = renewals;
    this.nanoTime = nanoTime;
    if (!replica.isEmpty()) { // an observer uses nothing
      recovery.used().willTell();
      scripts.plans().onEpoch(this::look);
    }
  }

  /** A heartbeat has seen these alive; they are separated by blanks. */
  public synchronized void saw(String replicas) {
    if (!replicas.equals(alive)) {
      rememberAlive();
      alive = replicas;
    }
  }

  private synchronized String rememberAlive() {
    long now = nanoTime.getAsLong();
    long window = scripts.plan().window().plus(CutOff.ALONE).toNanos();
    for (String name : alive.split(" ", -1)) {
      seen.put(name, now);
    }
    seen.values().removeIf(at -> now - at > Math.max(MISSING_NANOS, window));
    return String.join(" ", seen.keySet());
  }

  /** The pool may have another epoch. No request of that has been answered yet. */
  private void look() {
    long now = scripts.epoch();
    List<String> all = scripts.plan().groups();
    recovery.used().retain(Set.copyOf(all));
    synchronized (this) {
      boolean isLost = epoch != 0 && now != epoch;
      epoch = now;
      if (!isLost) {
        return;
      }
    }
    List<TrackedLease> running =
        renewals.leases().stream()
            .filter(lease -> lease.epoch() != now && recovery.used().leaveOut(lease, now))
            .toList();
    List<List<String>> groups = new ArrayList<>();
    for (int from = 0; from < all.size(); from += GROUPS) {
      groups.add(all.subList(from, Math.min(all.size(), from + GROUPS)));
    }
    Story told =
        new Story(
            now,
            nanoTime.getAsLong(),
            groups,
            recovery.used().before(now),
            rememberAlive(),
            new AtomicBoolean());
    var _ =
        recovery
            .chargeApart(running)
            .whenComplete( // until then the debt stands for them
                (done, failure) -> {
                  if (now == scripts.epoch()) {
                    story.set(told);
                    tell();
                  }
                });
  }

  /** Tells what Redis was not told, until all have. */
  public void tell() {
    Story now = story.get();
    if (now == null || !telling.compareAndSet(false, true)) {
      return;
    }
    if (now.epoch() != scripts.epoch()
        || nanoTime.getAsLong() - now.since() > scripts.plan().window().toNanos()) {
      story.compareAndSet(now, null); // by now the debt has flowed off
      telling.set(false);
      return;
    }
    int last = now.groups().size() - 1;
    CompletableFuture<Boolean> asked =
        now.isTold().get() ? tell(now, last) : CompletableFuture.completedFuture(true);
    var _ =
        asked
            .thenCompose(all -> all ? tellAll(now) : CompletableFuture.completedFuture(false))
            .whenComplete(
                (all, failure) -> {
                  if (failure == null) {
                    now.isTold().set(true);
                    if (all) {
                      story.compareAndSet(now, null);
                    }
                  }
                  telling.set(false);
                });
  }

  private CompletableFuture<Boolean> tellAll(Story told) {
    CompletableFuture<Boolean> all = CompletableFuture.completedFuture(true);
    for (int n = 0; n < told.groups().size(); n++) {
      int part = n;
      all = all.thenCompose(before -> tell(told, part).thenApply(now -> before && now));
    }
    return all;
  }

  /** Returns whether all replicas have told. A part that Redis knows is not counted again. */
  private CompletableFuture<Boolean> tell(Story told, int part) {
    List<byte[]> args =
        new ArrayList<>(
            List.of(
                bytes(told.epoch()),
                bytes(replica),
                bytes(part),
                bytes(told.groups().size()),
                bytes(told.all())));
    long now = nanoTime.getAsLong();
    for (String group : told.groups().get(part)) {
      args.add(bytes(group));
      args.add(bytes(text(told.used().getOrDefault(group, List.of()), now)));
    }
    return scripts
        .recall(args)
        .thenApply(reply -> reply instanceof Reply.Done done && done.number(2) == 1);
  }

  private static String text(List<Used> used, long now) {
    List<byte[]> words = new ArrayList<>();
    used.forEach(part -> part.appendTo(words, now));
    return String.join(" ", words.stream().map(RedisKeys::text).toList());
  }
}
