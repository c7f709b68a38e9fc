package relay.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.sse.ServerSentEventConnection;
import io.undertow.server.handlers.sse.ServerSentEventHandler;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.io.IOException;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xnio.IoUtils;
import relay.admin.AdminServer.Served;
import relay.admin.PoolStates.RedisSilent;
import relay.pool.PoolJson;

/**
 * Sends what has changed to open dashboards, once a second, by server-sent events. It shows the
 * replica's last heartbeat, so viewers cost Redis nothing but the clients' use, and an outage shows
 * the last known state with its age. A viewer that has not read its last message gets no other.
 */
final class DashboardFeed implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DashboardFeed.class);
  static final String PATH = "/dashboard/events";
  private static final int CLIENTS_EVERY = 5;

  private final InstantSource clock;
  private final DashboardSource source;
  private final DashboardState state = new DashboardState();
  private final FeedPlaces places = new FeedPlaces();
  private final Map<ServerSentEventConnection, Viewer> viewers = new ConcurrentHashMap<>();
  private final ServerSentEventHandler events = new ServerSentEventHandler(this::joined);
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("dashboard").daemon().factory());
  private final long started = System.nanoTime();
  private long ticks; // seconds; only the dashboard's thread writes it, as below

  /** Only the dashboard's thread writes {@code seen}. */
  private static final class Viewer {
    private volatile boolean reads = true;
    private long seen;
  }

  DashboardFeed(
      Served served, Supplier<PoolJson.Configuration> configuration, InstantSource clock) {
    this.clock = clock;
    source = new DashboardSource(served, configuration, clock.millis());
    thread.execute(this::tick);
  }

  /** Answers {@code GET /dashboard/events}. */
  void open(HttpServerExchange exchange) throws Exception {
    FeedPlaces.Place place = places.take(exchange.getSourceAddress().getAddress());
    if (place == null) { // taken before it joins: others may be about to
      AdminReply.error(
              503,
              "too many dashboards are open: %d, or %d from one address; close one"
                  .formatted(FeedPlaces.MOST, FeedPlaces.MOST_OF_ONE))
          .send(exchange);
      return;
    }
    exchange.getConnection().addCloseListener(_ -> place.give());
    exchange
        .getResponseHeaders()
        .put(Headers.CACHE_CONTROL, "no-store")
        .put(HttpString.tryFromString("x-accel-buffering"), "no");
    events.handleRequest(exchange);
  }

  private void joined(ServerSentEventConnection connection, String lastEventId) {
    connection.addCloseTask(viewers::remove);
    viewers.put(connection, new Viewer());
    try {
      thread.execute(this::show);
    } catch (RejectedExecutionException e) {
      IoUtils.safeClose(connection); // the replica stops
    }
  }

  private void tick() {
    try {
      source.sample(ticks, clock.millis());
      if (!viewers.isEmpty()) {
        show();
      }
    } catch (Throwable e) { // the next tick tries again
      report(e);
    } finally {
      // without a viewer only every second tick takes a sample
      int pause =
          viewers.isEmpty() && ticks % DashboardSource.SAMPLE_EVERY == 0
              ? DashboardSource.SAMPLE_EVERY
              : 1;
      ticks += pause;
      tickAt(started + TimeUnit.SECONDS.toNanos(ticks));
    }
  }

  private void tickAt(long nanos) {
    try {
      var _ = thread.schedule(this::tick, nanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      // the replica stops
    }
  }

  private static void report(Throwable fault) {
    try {
      log.error("could not build the dashboard's state; the next event tries again", fault);
    } catch (Throwable e) {
      // probably no memory: the next fault is logged
    }
  }

  /** Reads the state, and sends each viewer what it has not seen. */
  private void show() {
    long now = clock.millis();
    if (ticks % CLIENTS_EVERY == 0 || state.version() == 0) {
      readClients(now);
    }
    state.update(source.pools(now), now);
    Map<Long, String> bySeen = new HashMap<>();
    viewers.forEach(
        (connection, viewer) -> {
          if (!viewer.reads) {
            return;
          }
          viewer.reads = false;
          String message =
              viewer.seen == 0
                  ? whole()
                  : bySeen.computeIfAbsent(viewer.seen, seen -> state.since(seen).toString());
          viewer.seen = state.version();
          connection.send(message, null, null, new Delivery(viewer));
        });
  }

  private String whole() {
    ObjectNode all = state.since(0);
    source.addHistory(all);
    return all.toString();
  }

  private record Delivery(Viewer viewer) implements ServerSentEventConnection.EventCallback {
    @Override
    public void done(
        ServerSentEventConnection connection,
        @Nullable String data,
        @Nullable String event,
        @Nullable String id) {
      viewer.reads = true;
    }

    @Override
    public void failed(
        ServerSentEventConnection connection,
        @Nullable String data,
        @Nullable String event,
        @Nullable String id,
        IOException e) {
      log.debug("A dashboard went away", e);
    }
  }

  private void readClients(long now) {
    try {
      state.updateClients(source.clients(), now);
    } catch (RedisSilent e) {
      log.debug("The clients' use is not known; the last one stays", e);
    }
  }

  /** As {@link AdminServer#introduction}. From any thread. */
  String introduction() {
    return source.introduction();
  }

  @Override
  public void close() {
    thread.shutdownNow();
    viewers.keySet().forEach(IoUtils::safeClose);
  }
}
