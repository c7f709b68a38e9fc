package relay.admission;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.config.ClientPriority;
import relay.config.ServiceTiers;
import relay.model.Dialect;
import relay.redis.model.Share;

/**
 * A request of known size.
 *
 * @param meanwhile runs while a pool has been asked for a key
 */
public record KnownRequest(String model, Set<String> avoid, Runnable meanwhile)
    implements LeaseRequest {
  public KnownRequest(String model, Set<String> avoid) {
    this(model, avoid, () -> {});
  }

  @Override
  public Dialect dialect() { // asked for after the key
    meanwhile.run();
    return Dialect.OPENAI;
  }

  @Override
  public boolean counted() {
    return true;
  }

  @Override
  public boolean unread() {
    return false;
  }

  @Override
  public long inputBytes() {
    return 0;
  }

  @Override
  public long maxOutputTokens() {
    return 50;
  }

  @Override
  public long inputTokens() {
    return 120;
  }

  @Override
  public long outputTokens() {
    return 30;
  }

  @Override
  public String session() {
    return "";
  }

  @Override
  public List<String> states() {
    return List.of();
  }

  @Override
  public String serviceTier() {
    return "";
  }

  @Override
  public ServiceTiers.Tier tier(ServiceTiers known) {
    return ServiceTiers.Tier.NONE;
  }

  @Override
  public int mark() {
    return 0;
  }

  @Override
  public Share.Attempt attempt() {
    return Share.Attempt.UNKNOWN;
  }

  @Override
  public @Nullable ClientPriority priority() {
    return null;
  }

  @Override
  public Duration patience() {
    return Duration.ofMinutes(1);
  }

  @Override
  public boolean mayRepeat(boolean maybeProcessed) {
    return true;
  }
}
