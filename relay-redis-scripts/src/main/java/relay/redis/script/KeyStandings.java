package relay.redis.script;

import static relay.redis.script.RedisKeys.bytes;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;
import relay.redis.model.Quarantine;
import relay.redis.script.ScriptCaller.Call;

/** Takes keys out of use, and brings them back: the calls of a pool's scripts for that. */
public final class KeyStandings {
  private static final byte[] REAL_TIME = {};
  private static final byte[] OPERATOR = bytes("+");

  private final PoolScripts scripts;
  private final RedisLink link;
  private final RedisKeys keys;
  private final String replica;

  KeyStandings(PoolScripts scripts, RedisLink link, RedisKeys keys, String replica) {
    this.scripts = scripts;
    this.link = link;
    this.keys = keys;
    this.replica = replica;
  }

  /**
   * Takes keys out of use.
   *
   * @param refused whether the provider refused the credentials that this replica has
   */
  public CompletableFuture<Void> quarantine(List<String> ids, String reason, boolean refused) {
    return quarantine(
        ids, reason, refused && !replica.isEmpty() ? bytes(replica) : ScriptCaller.NONE);
  }

  /**
   * Quarantines a key by an operator's decision: the reason replaces any other, so that no probe
   * ends it.
   */
  public CompletableFuture<Void> quarantineByOperator(List<String> ids, String reason) {
    return quarantine(ids, reason, OPERATOR);
  }

  private CompletableFuture<Void> quarantine(List<String> ids, String reason, byte[] by) {
    List<byte[]> k = List.of(keys.state, keys.quarantine);
    return inBatches(
        ids,
        some -> {
          List<byte[]> args = new ArrayList<>(List.of(REAL_TIME, bytes(reason), by));
          some.forEach(id -> args.add(bytes(id)));
          return scripts.callConfigured(
              () -> new Call(ScriptFile.QUARANTINE, k, args), Reply::ofCount);
        });
  }

  /** Tells since when keys are quarantined, and when each is probed next, in order. */
  public CompletableFuture<List<Quarantine>> quarantines(List<String> ids) {
    List<Quarantine> all = Collections.synchronizedList(new ArrayList<>());
    return inBatches(
            ids,
            some ->
                link.call(
                        ScriptFile.QUARANTINED,
                        new byte[][] {keys.quarantine, keys.probes},
                        some.stream().map(RedisKeys::bytes).toArray(byte[][]::new))
                    .thenApply(
                        raw -> {
                          for (int n = 1; n + 3 <= raw.size(); n += 3) {
                            all.add(quarantine(raw.subList(n, n + 3)));
                          }
                          return new Reply.Done(raw);
                        }))
        .thenApply(done -> all);
  }

  /** The secrets of these keys have changed: ends their quarantine for refused credentials. */
  public CompletableFuture<Void> rekey(List<String> ids) {
    return inBatches(
        ids,
        some ->
            scripts.callConfigured(
                () -> {
                  List<byte[]> k = new ArrayList<>(List.of(keys.state, keys.quarantine));
                  k.addAll(scripts.candidates().allSets());
                  List<byte[]> args = new ArrayList<>(List.of(bytes(replica)));
                  some.forEach(id -> args.add(bytes(id)));
                  return new Call(ScriptFile.REKEY, k, args);
                },
                Reply::ofCount));
  }

  /**
   * Restores a key, its account's other keys, and its account's groups: those of this plan, and
   * those of other replicas.
   */
  public CompletableFuture<Void> restoreAccountOf(String key) {
    return withFieldsOfAccount(key, "0", scripts.candidates().fieldsOfAccount(key))
        .thenCompose(
            all ->
                all.isEmpty()
                    ? CompletableFuture.failedFuture(
                        new NoSuchElementException("no replica has the key " + key))
                    : restore(List.copyOf(all)));
  }

  /** Adds to the fields, part by part: one call for all would hold up Redis. */
  private CompletableFuture<Set<String>> withFieldsOfAccount(
      String key, String cursor, Set<String> fields) {
    byte[][] args = {bytes(key), bytes(cursor)};
    return link.call(ScriptFile.ACCOUNT, new byte[][] {keys.state}, args)
        .thenApply(Reply::ofFields)
        .thenCompose(
            part -> {
              fields.addAll(part.fields());
              return part.cursor().equals("0")
                  ? CompletableFuture.completedFuture(fields)
                  : withFieldsOfAccount(key, part.cursor(), fields);
            });
  }

  public CompletableFuture<Void> restore(List<String> fields) {
    if (!replica.isEmpty()) {
      return restoreKnown(fields);
    }
    // An observer sends no heartbeats, so it must first learn the other plans' ready sets.
    return scripts
        .fleet()
        .observe()
        .handle((snapshot, failure) -> fields)
        .thenCompose(this::restoreKnown);
  }

  private CompletableFuture<Void> restoreKnown(List<String> fields) {
    List<byte[]> k = new ArrayList<>(List.of(keys.state, keys.quarantine));
    k.addAll(scripts.candidates().allSets());
    return inBatches(
        fields,
        some -> {
          List<byte[]> args = some.stream().map(RedisKeys::bytes).toList();
          return scripts.callConfigured(
              () -> new Call(ScriptFile.RESTORE, k, args), Reply::ofCount);
        });
  }

  /** Calls once per batch, one batch after the other, even if one fails. */
  private static CompletableFuture<Void> inBatches(
      List<String> all, Function<List<String>, CompletableFuture<Reply>> call) {
    CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
    for (int from = 0; from < all.size(); from += ScriptCaller.MAX_KEYS) {
      List<String> some = all.subList(from, Math.min(all.size(), from + ScriptCaller.MAX_KEYS));
      CompletableFuture<Void> before = done;
      done =
          CompletableFuture.allOf(before, before.handle((end, failure) -> some).thenCompose(call));
    }
    return done;
  }

  private static Quarantine quarantine(List<Object> reply) {
    return new Quarantine(instant(reply.get(0)), Reply.number(reply.get(1)), instant(reply.get(2)));
  }

  private static @Nullable Instant instant(Object millis) {
    long known = Reply.number(millis);
    return known == 0 ? null : Instant.ofEpochMilli(known);
  }
}
