package relay.redis.link;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.RedisServers;

/**
 * Authenticates a live connection again when its password has changed. Redis may learn of the new
 * password later than this process, so a refused one is sent again.
 */
final class Reauthentication {
  private static final Logger log = LoggerFactory.getLogger(Reauthentication.class);
  static final long RETRY_NANOS = 1_000_000_000L;

  private final LongSupplier nanoTime;
  private final AtomicBoolean isAsked = new AtomicBoolean();
  private volatile RedisServers.Login login = RedisServers.Login.NONE; // that Redis took last
  private volatile RedisServers.@Nullable Login refused; // the last one
  private volatile long refusedAt;

  Reauthentication(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** A new connection uses this login. */
  void connects(RedisServers.Login with) {
    login = with;
    isAsked.set(false);
  }

  /**
   * Authenticates if the login is another now.
   *
   * @param name of the master, for the log
   */
  void check(FunctionConnection live, RedisServers.Login now, String name) {
    String password = now.password();
    if (password == null || now.equals(login)) {
      return;
    }
    boolean again = now.equals(refused);
    if ((again && nanoTime.getAsLong() - refusedAt < RETRY_NANOS)
        || !isAsked.compareAndSet(false, true)) {
      return;
    }
    var _ =
        live.authenticate(now.user(), password)
            .whenComplete(
                (ok, failure) -> {
                  if (failure == null) {
                    login = now;
                    log.info("Redis at {}: authenticated with the changed password", name);
                  } else {
                    refusedAt = nanoTime.getAsLong();
                    refused = now;
                    if (!again) { // the first refusal is enough for the log
                      String why = String.valueOf(RedisLink.cause(failure).getMessage());
                      log.warn("Redis at {} rejects the changed password: {}", name, why);
                    }
                  }
                  isAsked.set(false);
                });
  }
}
