package relay.redis.script;

import static relay.redis.script.RedisKeys.bytes;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;

/** Calls scripts for one pool, and keeps the pool's clock: each reply carries the time. */
public final class ScriptCaller {
  /** Keys of a pool in one call. Redis serves no other call meanwhile: some 10 ms. */
  static final int MAX_KEYS = 200;

  /** How often a part of a long series is sent, until it has an answer in time. */
  private static final int TRIES = 3;

  /** The argument for a value that the caller does not give. */
  public static final byte[] NONE = bytes("-");

  private final RedisLink link;
  private final RedisKeys keys;
  private final PoolClock clock = new PoolClock(System::nanoTime);

  /** One call of a script. */
  public record Call(ScriptFile script, List<byte[]> keys, List<byte[]> args) {}

  ScriptCaller(RedisLink link, RedisKeys keys) {
    this.link = link;
    this.keys = keys;
  }

  RedisKeys keys() {
    return keys;
  }

  public CompletableFuture<List<Object>> call(Call call) {
    long sent = clock.now();
    return link.call(
            call.script(), call.keys().toArray(byte[][]::new), call.args().toArray(byte[][]::new))
        .thenApply(
            raw -> {
              clock.observed(Reply.time(raw), sent);
              return raw;
            });
  }

  /**
   * Sends a call again that has no answer in time: one slow answer would end a long series of
   * calls, which would begin anew and load Redis more. Only for calls that may run twice.
   */
  public static <T> CompletableFuture<T> repeated(Supplier<CompletableFuture<T>> call) {
    return repeated(call, TRIES);
  }

  private static <T> CompletableFuture<T> repeated(Supplier<CompletableFuture<T>> call, int tries) {
    return call.get()
        .exceptionallyCompose(
            failure ->
                tries > 1 && RedisLink.cause(failure) instanceof TimeoutException
                    ? repeated(call, tries - 1)
                    : CompletableFuture.failedFuture(failure));
  }

  /** The time arguments with which most scripts begin: the latest plausible time, and none. */
  public List<byte[]> clockArgs() {
    return new ArrayList<>(List.of(clock.ceiling(), NONE));
  }

  /** The latest plausible time, as a word of a script's argument. */
  public String ceiling() {
    return text(clock.ceiling());
  }

  /** The keys of every script that creates or ends leases. */
  public List<byte[]> leaseKeys() {
    return new ArrayList<>(List.of(keys.state, keys.win, keys.leases, keys.due, keys.later));
  }

  public static String text(byte[] digits) {
    return new String(digits, StandardCharsets.ISO_8859_1);
  }
}
