package relay.redis;

import static relay.redis.script.RedisKeys.bytes;

import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;

/**
 * Short texts that all replicas share, each under a name and for a time: the first that one writes
 * holds for all. Thread-safe. The futures fail when Redis cannot be asked.
 */
public final class Notes {
  private static final int MOST_LETTERS = 4_096;

  private final RedisLink link;
  private final String base;

  Notes(RedisLink link, String prefix, String book) {
    this.link = link;
    base = new RedisKeys(prefix, book).base();
  }

  private enum How {
    FIRST,
    KEEP,
    HOLD,
    REPLACE,
    DROP,
    READ
  }

  /**
   * Writes a text unless there is one.
   *
   * @return what was there before; empty for nothing
   */
  public CompletableFuture<String> first(String name, String text, Duration keep) {
    return call(How.FIRST, name, text, keep);
  }

  /**
   * As {@link #first}; what is there already is kept as long from now on.
   *
   * @return what holds from now on
   */
  public CompletableFuture<String> keep(String name, String text, Duration keep) {
    return call(How.KEEP, name, text, keep).thenApply(held -> held.isEmpty() ? text : held);
  }

  /** As {@link #keep}, but another text that is there is left alone. */
  public CompletableFuture<Void> hold(String name, String text, Duration keep) {
    return call(How.HOLD, name, text, keep).thenAccept(before -> {});
  }

  /** Writes a text, whatever is there. */
  public CompletableFuture<Void> replace(String name, String text, Duration keep) {
    return call(How.REPLACE, name, text, keep).thenAccept(before -> {});
  }

  /** Takes a text away, unless it is another one by now. */
  public CompletableFuture<Void> drop(String name, String text) {
    return call(How.DROP, name, text, Duration.ZERO).thenAccept(before -> {});
  }

  /** The text that is there; empty for none. */
  public CompletableFuture<String> read(String name) {
    return call(How.READ, name, "", Duration.ZERO);
  }

  private CompletableFuture<String> call(How how, String name, String text, Duration keep) {
    if (text.length() > MOST_LETTERS) {
      throw new IllegalArgumentException("a note has at most " + MOST_LETTERS + " letters");
    }
    byte[][] args = {
      bytes(text), bytes(keep.toMillis()), bytes(how.name().toLowerCase(Locale.ROOT))
    };
    return link.call(ScriptFile.NOTE, new byte[][] {bytes(base + name)}, args)
        .thenApply(reply -> Reply.text(reply.get(1)));
  }
}
