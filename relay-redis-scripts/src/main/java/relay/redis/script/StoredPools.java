package relay.redis.script;

import static relay.redis.script.RedisKeys.bytes;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import relay.redis.library.ScriptFile;
import relay.redis.link.FailureReason;
import relay.redis.link.FunctionConnection;
import relay.redis.link.Masters;
import relay.redis.link.RedisGoneException;
import relay.redis.model.Accounting;
import relay.redis.model.Days;
import relay.redis.model.KeyPlan;
import relay.redis.model.Names;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/** The pools whose state Redis holds, for a program that has no plan of them. */
public final class StoredPools {
  private static final String LIMITS_OF_CLIENTS = "@";

  private final Masters masters;
  private final String prefix;

  public StoredPools(Masters masters, String prefix) {
    this.masters = masters;
    this.prefix = prefix;
  }

  /** As {@code RedisEngine.storedPools}. */
  public Set<String> names() throws InterruptedException {
    Set<InetSocketAddress> all = masters.all();
    if (all.isEmpty()) {
      throw new RedisGoneException();
    }
    Set<String> names = new TreeSet<>();
    for (InetSocketAddress master : all) {
      FunctionConnection connection = masters.connections().connect(master);
      try {
        names.addAll(names(connection));
      } catch (ExecutionException | TimeoutException e) {
        throw new IllegalStateException(FailureReason.of(e), e);
      } finally {
        var _ = connection.closeAsync();
      }
    }
    return names;
  }

  private Set<String> names(FunctionConnection connection)
      throws ExecutionException, TimeoutException, InterruptedException {
    long patienceMs = masters.connections().timeout.toMillis();
    String before = prefix + ":{";
    String after = RedisKeys.text(new RedisKeys(prefix, "x").state).substring(before.length() + 1);
    String pattern = before.replaceAll("[*?\\[\\]\\\\]", "\\\\$0") + "*" + after;
    Set<String> names = new LinkedHashSet<>();
    String cursor = "0";
    do {
      List<Object> part = connection.scan(cursor, pattern).get(patienceMs, TimeUnit.MILLISECONDS);
      cursor = Reply.text(part.getFirst());
      for (Object key : Reply.list(part.get(1))) {
        String text = Reply.text(key);
        String name = text.substring(before.length(), text.length() - after.length());
        if (Names.isGood(name) && !name.startsWith(LIMITS_OF_CLIENTS)) {
          names.add(name);
        }
      }
    } while (!cursor.equals("0"));
    return names;
  }

  /** As {@code RedisEngine.storedPlan}. */
  public CompletableFuture<Optional<PoolPlan>> plan(String pool) {
    return Names.isGood(pool)
        ? part(pool, "0", new Found(pool))
        : CompletableFuture.completedFuture(Optional.empty());
  }

  private CompletableFuture<Optional<PoolPlan>> part(String pool, String cursor, Found found) {
    byte[][] keys = {new RedisKeys(prefix, pool).state};
    return masters
        .link(pool)
        .call(ScriptFile.PLAN, keys, new byte[][] {bytes(cursor)})
        .thenCompose(
            raw -> {
              if (Reply.isUnknown(raw)) {
                return CompletableFuture.completedFuture(Optional.empty());
              }
              found.add(raw);
              String next = Reply.text(raw.get(1));
              return next.equals("0")
                  ? CompletableFuture.completedFuture(found.plan())
                  : part(pool, next, found);
            });
  }

  /** The part of a pool's plan that was found so far. */
  private static final class Found {
    private final String name;
    private final Map<String, String> accounts = new TreeMap<>(); // by key
    private final Set<String> classes = new TreeSet<>();
    private final Set<String> parts = new TreeSet<>(); // sub-quotas of classes, and kinds
    private List<Object> shape = List.of();

    Found(String name) {
      this.name = name;
    }

    void add(List<Object> reply) {
      shape = reply.subList(2, 5);
      for (int n = 5; n + 1 < reply.size(); n += 2) {
        String id = Reply.text(reply.get(n));
        if (id.startsWith("k:")) {
          accounts.put(id.substring(2), Reply.text(reply.get(n + 1)));
        } else {
          String modelClass = id.substring(id.lastIndexOf('/') + 1);
          (modelClass.contains("+") ? parts : classes).add(modelClass);
        }
      }
    }

    Optional<PoolPlan> plan() {
      parts.stream()
          .filter(part -> !classes.contains(PoolPlan.ownerOf(part)))
          .forEach(classes::add);
      parts.removeAll(classes);
      if (accounts.isEmpty() || classes.isEmpty()) {
        return Optional.empty();
      }
      List<KeyPlan> keys = new ArrayList<>();
      accounts.forEach((id, account) -> keys.add(new KeyPlan(id, account, 0, 1, 0)));
      return Optional.of(
          new PoolPlan(
              name,
              Duration.ofMillis(Reply.number(shape.get(0))),
              Strategy.of(Reply.number(shape.get(1))),
              Accounting.of(Reply.number(shape.get(2))),
              1,
              List.copyOf(classes),
              keys,
              new HashMap<>(),
              false,
              Days.NONE,
              List.copyOf(parts)));
    }
  }
}
