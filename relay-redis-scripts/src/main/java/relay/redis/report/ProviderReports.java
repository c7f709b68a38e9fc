package relay.redis.report;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.link.FailureReason;
import relay.redis.model.Lease;
import relay.redis.model.Limits;
import relay.redis.model.Names;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Refill;
import relay.redis.model.Remaining;
import relay.redis.outage.FairShare;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;
import relay.redis.script.ToldLimits;

/**
 * Stores in Redis what providers' answers say of keys and groups. Waits for no reply; logs a
 * cooldown and a quarantine that Redis did not store.
 */
public final class ProviderReports {
  private static final Logger log = LoggerFactory.getLogger(ProviderReports.class);

  private final PoolScripts scripts;
  private final FairShare fairShare;
  private final LimitNews limitNews = new LimitNews();
  private final UnsentNews news = new UnsentNews(this::report);

  public ProviderReports(PoolScripts scripts, FairShare fairShare) {
    this.scripts = scripts;
    this.fairShare = fairShare;
  }

  /**
   * Cools a quota group down.
   *
   * @param howLong zero to let Redis choose
   * @param grantedMicros grant time, on the pool's clock, of the request that the provider refused;
   *     0 if there was none
   */
  public void cool(String group, Duration howLong, long grantedMicros) {
    fairShare.cool(group, howLong.isZero() ? Duration.ofSeconds(1) : howLong);
    scripts
        .cooldown("g:" + group, howLong, grantedMicros)
        .exceptionally(failure -> logLost("cooldown of group " + group, failure));
  }

  /** Reports the limits in an answer, unless they are no news. */
  public void observe(
      Lease lease,
      Limits limits,
      Remaining remaining,
      Supplier<Refill> refill,
      @Nullable PoolSnapshot latest) {
    String group = lease.group();
    long granted = lease.grantedMicros();
    long now = System.nanoTime();
    Duration window = scripts.plan().window();
    if (limitNews.isNews(group, limits, remaining, latest, window, now)) {
      news.add(group, ToldLimits.line(group, granted, limits, remaining, refill.get()));
    } else if (!lease.isWithoutRedis()) {
      scripts.answers().note(group, granted, limits, remaining, refill, window, now);
    }
  }

  private CompletableFuture<?> report(List<String> groups, List<String> lines) {
    return scripts
        .observe(lines)
        .exceptionally(
            failure -> {
              groups.forEach(limitNews::lost); // no line in the log: an outage would fill it
              return null;
            });
  }

  /** Forgets what was reported of groups that have gone. */
  public void retain(Collection<String> groups) {
    limitNews.retain(groups);
  }

  /**
   * Takes keys out of use.
   *
   * @param refused whether the provider refused their credentials
   */
  public void quarantine(List<String> keys, String reason, boolean refused) {
    var _ =
        scripts
            .standings()
            .quarantine(keys, reason, refused)
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    fairShare.refused(keys);
                    var _ = logLost("quarantine of " + Names.few(keys), failure);
                  }
                });
  }

  private @Nullable Reply logLost(String what, Throwable failure) {
    String pool = scripts.plan().name();
    log.warn("Redis did not store the {} of pool {}: {}", what, pool, FailureReason.of(failure));
    return null;
  }
}
