package relay.redis;

import static relay.redis.script.RedisKeys.bytes;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import relay.redis.library.Digests;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;
import relay.redis.model.EngineOptions;
import relay.redis.script.PoolScripts;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;

/**
 * Which account of a pool made what the provider keeps: stored answers, conversations, files,
 * containers, batches. No other account knows these. All replicas share the map. It is bounded: the
 * newest {@value #MOST} to twice as many are kept, each for 15 to 30 days. A client has a quarter
 * of that; what it makes beyond goes to a second map of this size, for all such clients. What only
 * requests named goes to a third one, of a quarter of the size.
 */
public final class Pins {
  private static final int PARTS = 16;
  private static final int MOST = PARTS * 4_096;
  private static final Duration HALF = Duration.ofDays(15);

  private final RedisLink link;
  private final RedisKeys keys;

  Pins(RedisLink link, EngineOptions options, String pool) {
    this.link = link;
    keys = new RedisKeys(options.prefix(), pool);
  }

  /** The hash of an id: Redis gets no ids. 32 hexadecimal digits. */
  public static String hash(String id) {
    return Digests.hex("SHA-256", id).substring(0, 32);
  }

  /**
   * Remembers that an account made these. The future fails when Redis cannot be asked.
   *
   * @param client whose request it was: each has a share of the map
   * @param made what the answer showed
   * @param named what only the request named, and the account served
   */
  public CompletableFuture<Void> pin(
      String client, String account, Collection<String> made, Collection<String> named) {
    return pin(client, account, made, named, MOST / PARTS, HALF, "").thenAccept(reply -> {});
  }

  CompletableFuture<List<Object>> pin(
      String client,
      String account,
      Collection<String> made,
      Collection<String> named,
      int most,
      Duration half,
      String nowMs) {
    List<byte[]> k = new ArrayList<>(List.of(keys.pins));
    List<byte[]> args =
        new ArrayList<>(
            List.of(
                bytes(account),
                bytes(client),
                bytes(most),
                bytes(half.toMillis()),
                bytes(nowMs),
                bytes(made.size())));
    for (Collection<String> some : List.of(made, named)) {
      for (String hash : some) {
        k.addAll(keys.pins(hash));
        k.addAll(keys.pinsOfClients(hash));
        args.add(hash.getBytes(StandardCharsets.US_ASCII));
      }
    }
    return link.call(ScriptFile.PIN, k.toArray(byte[][]::new), args.toArray(byte[][]::new));
  }

  /**
   * The account that made the first known of these, in their order. The future fails when Redis
   * cannot be asked.
   */
  public CompletableFuture<Optional<String>> owner(List<String> hashes) {
    return PoolScripts.owner(link, keys, hashes);
  }

  /**
   * Tells the replica that holds a background response's lease what an answer showed.
   *
   * @param word {@code begun} from the replica that holds the lease. From any replica that sees a
   *     later answer {@code running N}, with another number each time, or {@code over}, which may
   *     be followed by the usage. Nothing replaces {@code over}
   * @param account the account that gave the answer. Redis ignores words of another account
   * @param keep how long Redis keeps the word
   * @return completes when Redis has it; fails when Redis cannot be asked
   */
  public CompletableFuture<Void> tell(String hash, String word, String account, Duration keep) {
    return background(List.of(hash), word, account, keep).thenAccept(words -> {});
  }

  /**
   * Reads the last word on each of these background responses, in their order. The word is empty
   * where no replica holds the response's lease. The future fails when Redis cannot be asked.
   */
  public CompletableFuture<List<String>> told(List<String> hashes) {
    return background(hashes, "", "", Duration.ZERO);
  }

  private CompletableFuture<List<String>> background(
      List<String> hashes, String word, String account, Duration keep) {
    return link.call(
            ScriptFile.BACKGROUND,
            hashes.stream().map(keys::background).toArray(byte[][]::new),
            new byte[][] {bytes(word), bytes(account), bytes(keep.toMillis())})
        .thenApply(reply -> reply.stream().skip(1).map(Reply::text).toList());
  }
}
