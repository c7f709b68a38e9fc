package relay.redis.link;

import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.RedisServers;

/** One master: at a fixed address, or where the sentinels say. */
final class SingleMaster implements Masters {
  private static final Logger log = LoggerFactory.getLogger(SingleMaster.class);
  private static final int WATCH_MS = 500;

  private final Connections connections;
  private final @Nullable Sentinels sentinels;
  private final MasterLink master;
  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("redis-watch").daemon().factory());
  private final SurvivedFaults faults =
      new SurvivedFaults("redis-watch", log::error, System::nanoTime);

  SingleMaster(Connections connections, Consumer<IntPredicate> onUp) {
    this.connections = connections;
    RedisServers servers = connections.servers;
    InetSocketAddress stated = servers.addresses().getFirst();
    sentinels =
        servers.topology() == RedisServers.Topology.SENTINEL ? new Sentinels(connections) : null;
    MasterLink.Place place = sentinels == null ? () -> stated : sentinels::master;
    master =
        new MasterLink(
            connections, place, (call, refusal) -> false, up -> onUp.accept(slot -> true));
  }

  @Override
  public void start() {
    master.start();
    if (sentinels != null || connections.logins.mayChange()) { // else a thread would wake in vain
      var _ =
          watch.scheduleWithFixedDelay(
              () -> faults.run(this::watch), WATCH_MS, WATCH_MS, TimeUnit.MILLISECONDS);
    }
  }

  @Override
  public void tick() {
    master.tick();
  }

  private void watch() {
    if (connections.logins.mayChange()) {
      master.authenticate(connections.logins.now());
    }
    if (sentinels != null && master.isUp()) {
      // A switched master may still accept writes, which would be lost
      InetSocketAddress named = sentinels.masterIfKnown();
      if (named != null && !named.equals(master.address())) {
        master.leave("the sentinels now name " + RedisServers.shown(named));
      }
    }
  }

  @Override
  public void uses(int slot) {}

  @Override
  public MasterLink of(int slot) {
    return master;
  }

  @Override
  public Set<InetSocketAddress> all() {
    InetSocketAddress address = master.isUp() ? master.address() : null;
    return address == null ? Set.of() : Set.of(address);
  }

  @Override
  public boolean isUp() {
    return master.isUp();
  }

  @Override
  public boolean isSlow() {
    return master.isSlow();
  }

  @Override
  public Optional<String> failure() {
    return master.failure();
  }

  @Override
  public Connections connections() {
    return connections;
  }

  @Override
  public void close() {
    watch.shutdownNow();
    master.close();
    connections.close();
  }
}
