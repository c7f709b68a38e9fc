package relay.redis.link;

import io.lettuce.core.RedisCommandExecutionException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.RedisServers;

/**
 * The masters of a Redis Cluster: one connection to each that has a pool's slot.
 *
 * <p>The map of slots is read every {@value #REFRESH_MS} ms, every {@value #WATCH_MS} ms while a
 * pool's master is down, and at once when a master says that a slot has moved. A call that is
 * redirected goes on to the other master; its deadline stays.
 */
final class ClusterMasters implements Masters {
  private static final Logger log = LoggerFactory.getLogger(ClusterMasters.class);
  private static final int SLOTS = 16_384;
  private static final int WATCH_MS = 200;
  private static final int REFRESH_MS = 5_000;
  private static final int ANSWER_MS = 1_000;

  /** Nodes asked for the slots, those without an answer before the first one apart. */
  private static final int MOST_ASKED = 3;

  /** The pause before a redirected call tries again, while no connection or key is there yet. */
  private static final int PAUSE_MS = 10;

  private final Connections connections;
  private final Consumer<IntPredicate> onUp;
  private final Map<InetSocketAddress, MasterLink> links = new ConcurrentHashMap<>();
  private final AtomicReferenceArray<@Nullable MasterLink> masters =
      new AtomicReferenceArray<>(SLOTS);
  private final Set<Integer> used = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("redis-watch").daemon().factory());
  private final SurvivedFaults faults =
      new SurvivedFaults("redis-watch", log::error, System::nanoTime);
  private final AtomicBoolean refreshing = new AtomicBoolean(); // a refresh is on its way
  private volatile SlotMap slots = SlotMap.EMPTY;
  private volatile @Nullable String failure; // why no node tells its slots
  private long refreshedAt; // the watching thread only, as the next two
  private int next;
  private boolean told; // that no node answers

  ClusterMasters(Connections connections, Consumer<IntPredicate> onUp) {
    this.connections = connections;
    this.onUp = onUp;
  }

  @Override
  public void start() {
    refresh();
    var _ =
        watch.scheduleWithFixedDelay(
            () -> faults.run(this::watch), WATCH_MS, WATCH_MS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void tick() {
    links.values().forEach(MasterLink::tick);
  }

  private void watch() {
    if (connections.logins.mayChange()) {
      RedisServers.Login now = connections.logins.now();
      links.values().forEach(link -> link.authenticate(now));
    }
    if (!isUp() || System.nanoTime() - refreshedAt >= REFRESH_MS * 1_000_000L) {
      refresh();
    }
  }

  private void refreshSoon() {
    if (refreshing.compareAndSet(false, true)) {
      later(0, () -> faults.run(this::refresh));
    }
  }

  private void later(int millis, Runnable task) {
    try {
      var _ = watch.schedule(task, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("closed");
    }
  }

  /**
   * Asks several nodes for the slots, and connects to the pools' masters. A former master that is
   * cut off from the others still takes the slots for its own, so the newest epoch counts.
   */
  private synchronized void refresh() {
    refreshing.set(false);
    SlotMap newest = SlotMap.EMPTY;
    String why = "";
    int left = MOST_ASKED; // once one has answered
    for (InetSocketAddress node : nodes()) {
      try {
        SlotMap map = ask(node);
        if (map.isEmpty()) {
          why = RedisServers.shown(node) + " knows no slots";
        } else if (newest.isEmpty() || map.epoch() > newest.epoch()) {
          newest = map;
        }
      } catch (RuntimeException | ExecutionException | TimeoutException e) {
        why = RedisServers.shown(node) + ": " + FailureReason.of(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // closed
        return;
      }
      if (!newest.isEmpty() && --left == 0) {
        break;
      }
    }
    if (!newest.isEmpty()) {
      slots = newest;
      refreshedAt = System.nanoTime();
      failure = null;
      told = false;
      assignAll(null);
      retire();
    } else {
      failure = connections.refusedCalls.explained(why);
      if (!told) {
        told = true;
        log.warn("The Redis Cluster cannot be used; {}", failure);
      }
    }
  }

  /** Nodes with a live connection first, then the other known ones and the seeds in turns. */
  private Set<InetSocketAddress> nodes() {
    Set<InetSocketAddress> nodes = new LinkedHashSet<>();
    links.forEach(
        (address, link) -> {
          if (link.isUp()) {
            nodes.add(address);
          }
        });
    List<InetSocketAddress> others = new ArrayList<>(slots.nodes());
    others.addAll(connections.servers.addresses());
    Collections.rotate(others, next++);
    nodes.addAll(others);
    return nodes;
  }

  private SlotMap ask(InetSocketAddress node)
      throws ExecutionException, TimeoutException, InterruptedException {
    MasterLink link = links.get(node);
    FunctionConnection live = link == null ? null : link.connection();
    FunctionConnection asked = live == null ? connections.connect(node) : live;
    try {
      CompletableFuture<String> info = asked.clusterInfo().exceptionally(notAllowed -> "");
      List<Object> all = asked.slots().get(ANSWER_MS, TimeUnit.MILLISECONDS);
      return SlotMap.of(all, node, info.get(ANSWER_MS, TimeUnit.MILLISECONDS));
    } finally {
      if (live == null) {
        var _ = asked.closeAsync();
      }
    }
  }

  @Override
  public void uses(int slot) {
    used.add(slot);
    var _ = assign(slot);
    MasterLink master = masters.get(slot);
    if (master != null) {
      master.awaitFirstAttempt();
    }
  }

  /**
   * The slot's calls go to the master of the map, once it is connected.
   *
   * @return whether a connected master has taken over from another
   */
  private boolean assign(int slot) {
    InetSocketAddress address = slots.master(slot);
    if (address == null) {
      return false;
    }
    MasterLink owner = link(address);
    MasterLink before = masters.get(slot);
    boolean isUp = owner.isUp();
    if (before == null || isUp || !before.isUp()) {
      masters.set(slot, owner);
    }
    return isUp && before != null && before != owner;
  }

  /**
   * @param up has just connected, if not null
   */
  private void assignAll(@Nullable MasterLink up) {
    Set<Integer> taken = used.stream().filter(this::assign).collect(Collectors.toSet());
    if (up != null || !taken.isEmpty()) {
      onUp.accept(slot -> taken.contains(slot) || (up != null && masters.get(slot) == up));
    }
  }

  private MasterLink link(InetSocketAddress address) {
    return links.computeIfAbsent(
        address,
        a -> {
          MasterLink link =
              new MasterLink(
                  connections,
                  () -> a,
                  (call, refusal) -> follow(a, call, refusal),
                  this::assignAll);
          link.startLater();
          return link;
        });
  }

  /** Closes connections that no pool needs: of nodes that left, or that lost their slots. */
  private void retire() {
    Set<MasterLink> needed = ConcurrentHashMap.newKeySet();
    used.forEach(
        slot -> {
          MasterLink master = masters.get(slot);
          if (master != null) {
            needed.add(master);
          }
          InetSocketAddress owner = slots.master(slot);
          MasterLink coming = owner == null ? null : links.get(owner);
          if (coming != null) {
            needed.add(coming);
          }
        });
    links.forEach(
        (address, link) -> {
          boolean gone = !slots.nodes().contains(address) || !link.isUp();
          if (gone && !needed.contains(link) && links.remove(address, link)) {
            link.retire();
          }
        });
  }

  /** Sends a refused call on, if the master says where to. */
  private boolean follow(
      InetSocketAddress from, PendingCall call, RedisCommandExecutionException refusal) {
    Redirection redirection = Redirection.of(String.valueOf(refusal.getMessage()), from);
    if (redirection == null) {
      if (String.valueOf(refusal.getMessage()).startsWith("CLUSTERDOWN")) {
        refreshSoon();
      }
      return false;
    }
    if (redirection instanceof Redirection.Moved) {
      refreshSoon();
    }
    return proceed(from, call, redirection);
  }

  private boolean proceed(InetSocketAddress from, PendingCall call, Redirection redirection) {
    boolean proceeds =
        redirection instanceof Redirection.TryAgain
            ? call.triesAgain(connections.timeout.toNanos())
            : call.redirects();
    if (!proceeds) {
      return false;
    }
    switch (redirection) {
      case Redirection.Moved(InetSocketAddress master) -> hand(call, master, false);
      case Redirection.Ask(InetSocketAddress master) -> hand(call, master, true);
      case Redirection.TryAgain _ -> later(PAUSE_MS, () -> hand(call, from, false));
    }
    return true;
  }

  /** Hands a call to a master, now or when it is connected. */
  private void hand(PendingCall call, InetSocketAddress master, boolean asking) {
    if (!link(master).take(call, asking)) {
      later(
          PAUSE_MS,
          () -> {
            if (call.triesAgain(connections.timeout.toNanos())) {
              hand(call, master, asking);
            } else {
              call.completeExceptionally(new RedisGoneException());
            }
          });
    }
  }

  @Override
  public @Nullable MasterLink of(int slot) {
    return masters.get(slot);
  }

  @Override
  public Set<InetSocketAddress> all() {
    return slots.masters();
  }

  @Override
  public boolean isUp() {
    for (int slot : used) {
      MasterLink master = masters.get(slot);
      if (master == null || !master.isUp()) {
        return false;
      }
    }
    return !slots.isEmpty();
  }

  @Override
  public boolean isSlow() {
    return links.values().stream().anyMatch(MasterLink::isSlow);
  }

  @Override
  public Optional<String> failure() {
    return Optional.ofNullable(failure)
        .or(
            () ->
                links.values().stream()
                    .map(MasterLink::failure)
                    .flatMap(Optional::stream)
                    .findFirst());
  }

  @Override
  public Connections connections() {
    return connections;
  }

  @Override
  public void close() {
    watch.shutdownNow();
    links.values().forEach(MasterLink::close);
    connections.close();
  }
}
