package relay.redis.lease;

import static relay.redis.script.ScriptCaller.text;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Ending;
import relay.redis.model.Lease.Progress;
import relay.redis.model.LeaseRef;
import relay.redis.model.Usage;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;

/** Reports on and ends lasting leases of any replica, by what their references tell. */
public final class LastingLeases {
  private static final int MAX_IN_FLIGHT = 2;
  private static final int BATCH = 100;

  private final PoolScripts scripts;
  private final LeaseEndings endings;
  private final Coalescer<Report> reports;

  private record Report(String text, CompletableFuture<Boolean> isLive) {}

  public LastingLeases(PoolScripts scripts, LeaseEndings endings) {
    this.scripts = scripts;
    this.endings = endings;
    reports = new Coalescer<>(MAX_IN_FLIGHT, BATCH, this::send);
  }

  /** Ends a lease. It travels as all endings do, and is not sent again. */
  public CompletableFuture<Ending> end(
      LeaseRef lease, Usage used, long nanodollars, boolean isFinal) {
    var ended = new CompletableFuture<Ending>();
    endings.send(new PendingUpdate.ByRef(lease, used, nanodollars, isFinal, ended));
    return ended;
  }

  /** Reports what was made so far, and renews the lease. */
  public CompletableFuture<Boolean> progress(
      LeaseRef lease, Progress made, long nanodollars, Duration ttl) {
    var isLive = new CompletableFuture<Boolean>();
    reports.add(new Report(textOf(lease, made, nanodollars, ttl), isLive));
    return isLive;
  }

  private String textOf(LeaseRef lease, Progress made, long nanodollars, Duration ttl) {
    String text = lease.id() + " " + made.made() + " ";
    if (scripts.candidates().isNamed()) {
      text += Math.max(0, nanodollars - lease.nanodollars()) + " " + ttl.toMillis();
      return text + " " + text(scripts.candidates().budgets().line(lease.key()));
    }
    return text + made.rest() + " " + made.spread() + " " + ttl.toMillis();
  }

  private CompletableFuture<?> send(List<Report> some) {
    List<String> texts = some.stream().map(Report::text).toList();
    CompletableFuture<Reply> calling =
        scripts.candidates().isNamed() ? scripts.report(texts) : scripts.renew(texts);
    return calling.handle(
        (reply, failure) -> {
          answer(some, reply, failure);
          return null;
        });
  }

  private static void answer(
      List<Report> some, @Nullable Reply reply, @Nullable Throwable failure) {
    for (int n = 0; n < some.size(); n++) {
      if (failure != null) {
        some.get(n).isLive().completeExceptionally(failure);
      } else {
        some.get(n).isLive().complete(reply instanceof Reply.Done done && done.number(n + 2) > 0);
      }
    }
  }
}
