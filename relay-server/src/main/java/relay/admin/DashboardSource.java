package relay.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.admin.AdminServer.Served;
import relay.admin.PoolStates.RedisSilent;
import relay.metrics.ReplicaTotals;
import relay.pool.KeyStatus;
import relay.pool.PoolJson;
import relay.pool.ReplicaLine;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker;
import relay.redis.model.PoolSnapshot;

/**
 * What a dashboard shows: this replica and the pools of its last heartbeats, now and in the last
 * five minutes, and since when something is wrong. Not thread-safe.
 */
final class DashboardSource {
  static final int SAMPLE_EVERY = 2;
  private static final String BREAKER = "breaker";
  private static final String CLIENTS = "clients";
  private static final String DRAINING = "draining";
  private static final String POOLS = "pools";
  private static final String REDIS = "redis";
  private static final String SHARED = "shared";

  private final Served served;
  private final Supplier<PoolJson.Configuration> configuration;
  private final ReplicaIdentity identity;
  private final DashboardHistory history = new DashboardHistory();
  private final TrafficHistory traffic = new TrafficHistory();
  private final SeenSince ofPools = new SeenSince();
  private final SeenSince ofReplica = new SeenSince();
  private final AnswerRates rates = new AnswerRates();
  private volatile String introduction = "";

  DashboardSource(Served served, Supplier<PoolJson.Configuration> configuration, long nowMs) {
    this.served = served;
    this.configuration = configuration;
    identity = ReplicaIdentity.startedAt(nowMs);
  }

  /**
   * Takes the samples that are due.
   *
   * @param second the number of this call: there is one a second
   */
  void sample(long second, long nowMs) {
    if (second % SAMPLE_EVERY == 0) {
      history.sample(served.pools().get());
      lookAtPools(nowMs);
      introduce(served.answers().get(), nowMs);
    }
    if (second % TrafficHistory.EVERY == 0) {
      ReplicaTotals totals = served.totals().get();
      traffic.add(totals, ReplicaLine.sums(ReplicaLine.json(served.replicas().get())), nowMs);
      lookAtReplica(totals, nowMs);
    }
  }

  /** What the other replicas are to know of this one. From any thread. */
  String introduction() {
    return introduction;
  }

  private void introduce(ReplicaTotals.Answers answers, long nowMs) {
    rates.add(answers, nowMs);
    boolean drains =
        served.readiness().get() instanceof Readiness.NotReady(String reason)
            && reason.equals(DRAINING);
    introduction = rates.line(identity, drains ? DRAINING : answers.mode()).text();
  }

  private void lookAtPools(long nowMs) {
    Set<String> names = new HashSet<>();
    for (KeyPool pool : served.pools().get()) {
      String name = pool.plan().name();
      names.add(name);
      PoolSnapshot state = pool.latest();
      if (state != null) {
        ofPools.saw(name, troubles(state, served.breakers().apply(name)), nowMs);
      }
    }
    ofPools.retain(names);
  }

  private static List<String> troubles(PoolSnapshot state, ProviderBreaker breaker) {
    List<String> all = new ArrayList<>();
    for (PoolSnapshot.KeyState key : state.keys()) {
      KeyStatus status = KeyStatus.of(key);
      if (status != KeyStatus.ACTIVE) {
        all.add(trouble(status.label(), key.id()));
      }
    }
    if (breaker.state() != ProviderBreaker.State.CLOSED) {
      all.add(BREAKER);
    }
    return all;
  }

  private static String trouble(String status, String key) {
    return status + " " + key;
  }

  private void lookAtReplica(ReplicaTotals totals, long nowMs) {
    boolean away = !totals.redisUp() || !totals.redisMode().equals(SHARED);
    ofReplica.saw(REDIS, away ? Set.of(REDIS) : Set.of(), nowMs);
    ofReplica.saw(CLIENTS, traffic.unserved(totals), nowMs);
    ofReplica.saw(
        POOLS,
        totals.poolDenials().keySet().stream()
            .filter(pool -> !traffic.refused(pool, totals).isEmpty())
            .collect(Collectors.toSet()),
        nowMs);
  }

  /** As {@code GET /pools} gives it, with the replica, and since when something is wrong. */
  ObjectNode pools(long nowMs) {
    ReplicaTotals totals = served.totals().get();
    lookAtPools(nowMs);
    lookAtReplica(totals, nowMs);
    List<ObjectNode> pools = new ArrayList<>();
    for (KeyPool pool : served.pools().get()) {
      PoolSnapshot latest = pool.latest();
      if (latest != null) { // else there was no heartbeat yet
        pools.add(pool(pool, latest, totals));
      }
    }
    ObjectNode all = PoolJson.ofAll(configuration.get(), served.replicas().get(), pools);
    ObjectNode replica = TrafficHistory.json(totals);
    identity.addTo(replica);
    addSince(replica, "redis_since", ofReplica.of(REDIS, REDIS));
    all.set("replica", replica);
    all.set("traffic", ReplicaLine.sums(all.path("replicas")));
    all.put("ready", served.readiness().get() instanceof Readiness.Ready);
    return all;
  }

  private ObjectNode pool(KeyPool pool, PoolSnapshot latest, ReplicaTotals totals) {
    String name = pool.plan().name();
    ObjectNode json = PoolJson.of(pool.plan(), latest, served.breakers().apply(name).standing());
    PoolJson.warn(json, served.countedApart().apply(name));
    json.put("age_ms", pool.latestAge().toMillis());
    json.set("refused", traffic.refused(name, totals));
    addSince(json, "refused_since", ofReplica.of(POOLS, name));
    addSince((ObjectNode) json.path("breaker"), "since", ofPools.of(name, BREAKER));
    for (JsonNode key : json.path("keys")) {
      String trouble = trouble(key.path("status").asText(), key.path("id").asText());
      addSince((ObjectNode) key, "since", ofPools.of(name, trouble));
    }
    return json;
  }

  /** As {@code GET /clients} gives it, with the last minute of each. */
  ObjectNode clients() throws RedisSilent {
    ObjectNode all =
        ClientsJson.of(
            served.server().get().auth(),
            served.clientLimits().get(),
            served.clientUse(),
            served.pools().get());
    ReplicaTotals totals = served.totals().get();
    for (JsonNode each : all.path("clients")) {
      ObjectNode client = (ObjectNode) each;
      traffic.addTo(client, totals);
      addSince(client, "since", ofReplica.of(CLIENTS, client.path("name").asText()));
    }
    return all;
  }

  private static void addSince(ObjectNode into, String field, @Nullable Long since) {
    if (since != null) {
      into.put(field, since);
    }
  }

  /** Adds the last five minutes. */
  void addHistory(ObjectNode message) {
    ObjectNode all = message.putObject("history");
    all.put("step_ms", TimeUnit.SECONDS.toMillis(SAMPLE_EVERY));
    all.set("series", history.json());
    all.set("traffic", traffic.json());
  }
}
