package relay.trial;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import relay.trial.load.ArrivalTimes;
import relay.trial.load.Load;
import relay.trial.load.PoolView;
import relay.trial.load.RequestBytes;
import relay.trial.load.Wait;
import relay.trial.process.ReplicaProcess;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Settings;
import relay.trial.workers.Manner;
import relay.trial.workers.WorkerProcess;
import relay.trial.workers.WorkerTally;

/**
 * {@code relay try --workers}: processes that take leases and call the provider by themselves,
 * beside the proxy's load, on one account. Some are killed with a lease open, some settle late,
 * some renew, some get a 429 that the provider was ordered to give.
 */
final class WorkersTrial {
  private static final int REPLICAS = 2;
  private static final String API_KEY = "trial-client-key";
  private static final Duration FRAME = Duration.ofMillis(500);
  private static final long LINE_EVERY_FRAMES = 4;
  private static final int MAX_IN_FLIGHT = 512;
  private static final Duration SLOTS_PATIENCE = Duration.ofSeconds(30);
  private static final long LOOK_NANOS = 50_000_000;

  private final WorkersPlan plan;
  private final Terminal terminal;
  private final Style style;
  private final List<WorkerProcess> workers = new ArrayList<>();
  private final Map<Manner, WorkerTally> tallies = new EnumMap<>(Manner.class);
  private long unsent;
  private int deaths;
  private int refusals;

  WorkersTrial(WorkersPlan plan, Terminal terminal, Style style) {
    this.plan = plan;
    this.terminal = terminal;
    this.style = style;
  }

  /** Runs it; shows the result, too. */
  WorkersResult run() throws IOException, InterruptedException {
    try (TrialStage stage =
        new TrialStage(
            Settings.of(plan.load().window(), plan.account()),
            null,
            (port, adminPort, redisUrl, provider) ->
                plan.yaml(port, adminPort, API_KEY, redisUrl, provider.url().toString()),
            REPLICAS,
            List.of(),
            this::reached)) {
      List<InetSocketAddress> replicas =
          stage.replicas().stream().map(ReplicaProcess::address).toList();
      startWorkers(replicas, stage.provider().port());
      reached("workers      " + plan.workers() + ", a process each");
      reached(
          "load         "
              + Math.round(plan.load().capacityPerSecond() * plan.load().overload())
              + " requests/s through the replicas: all that the account can carry");
      WorkersResult result = measure(stage, replicas);
      terminal.erase();
      result.draw(style).forEach(terminal::print);
      terminal.print("");
      return result;
    } finally {
      workers.forEach(WorkerProcess::close);
    }
  }

  private void startWorkers(List<InetSocketAddress> replicas, int providerPort)
      throws IOException, InterruptedException {
    WorkerProcess.Task task =
        new WorkerProcess.Task(
            replicas, providerPort, WorkersPlan.WORKERS_KEY, plan.ttl(), plan.secrets());
    for (Manner manner : plan.manners()) {
      workers.add(WorkerProcess.start(task, manner, workers.size()));
    }
    for (WorkerProcess worker : workers) {
      worker.awaitReady();
    }
  }

  private WorkersResult measure(TrialStage stage, List<InetSocketAddress> replicas)
      throws IOException, InterruptedException {
    ProviderSimulator provider = stage.provider();
    TrialPlan shape = plan.load();
    Load.Plan loadPlan =
        new Load.Plan(
            replicas,
            ArrivalTimes.steady(shape.capacityPerSecond() * shape.overload()),
            shape.window(),
            RequestBytes.ofManySizes(API_KEY, shape.inputTokens(), shape.outputTokens(), false),
            RequestBytes.ofManySizes(API_KEY, shape.inputTokens(), shape.outputTokens(), true),
            3,
            4,
            MAX_IN_FLIGHT);
    try (Load load = new Load(loadPlan, RandomGenerator.getDefault())) {
      long startNanos = provider.nowNanos();
      Saturation saturation = new Saturation(startNanos, shape);
      Thread sending =
          Thread.ofPlatform().name("trial-load").start(() -> load.run(saturation.longest()));
      for (WorkerProcess worker : workers) {
        worker.go();
      }
      for (long frame = 0; !sending.join(FRAME); frame++) {
        frame(stage, saturation, frame % LINE_EVERY_FRAMES == 0);
        if (saturation.isOver(System.nanoTime())) {
          load.end();
        }
      }
      long fromNanos = saturation.fromNanos(System.nanoTime());
      long untilNanos = saturation.untilNanos(System.nanoTime());
      while (refusals < plan.refused() || deaths < plan.killed()) {
        disturb(true); // the load was over before
      }
      endWorkers();
      long endedNanos = System.nanoTime();
      LeaseSlots slots = awaitSlots(stage, endedNanos);
      return new WorkersResult(
          plan,
          Trial.measured(provider, plan.account().id(), fromNanos, untilNanos),
          Duration.ofNanos(untilNanos - fromNanos),
          Duration.ofNanos(fromNanos - startNanos),
          tallies,
          load.counts(),
          deaths,
          unsent,
          provider.stats().refused(),
          slots,
          Duration.ofNanos(System.nanoTime() - endedNanos));
    }
  }

  private void frame(TrialStage stage, Saturation saturation, boolean line)
      throws IOException, InterruptedException {
    for (ReplicaProcess replica : stage.replicas()) {
      replica.checkAlive();
    }
    PoolView pool = PoolView.of(stage.replicas().getFirst().adminAddress());
    long now = System.nanoTime();
    saturation.observe(pool, now);
    boolean steady = saturation.isSteady(now);
    if (steady) {
      disturb(false);
    }
    if (!line && !terminal.inPlace()) {
      return;
    }
    String text =
        "  %s  acme %s  in flight %d  killed %d  429s: ordered %d, others %d"
            .formatted(
                Figures.left(steady ? "measuring" : "filling the pool", 17),
                Figures.right(
                    Figures.percent(
                        pool.groups().stream().mapToDouble(PoolView.Group::share).max().orElse(0)),
                    7),
                pool.inFlight(),
                deaths,
                refusals,
                stage.provider().stats().refused());
    if (terminal.inPlace()) {
      terminal.draw(List.of(text));
    } else {
      terminal.print(text);
    }
  }

  /** Orders a refusal, and kills the next worker once it holds a lease. */
  private void disturb(boolean waits) throws IOException, InterruptedException {
    if (refusals < plan.refused()) {
      workers.get(plan.killed() + refusals++).refuse();
    }
    if (deaths < plan.killed()) {
      WorkerProcess next = workers.get(deaths);
      next.hold();
      if (waits || next.holds()) {
        WorkerProcess.Death death = next.kill();
        tally(next, death.tally());
        unsent += death.unsent();
        deaths++;
      }
    }
  }

  private void endWorkers() throws IOException, InterruptedException {
    for (WorkerProcess worker : workers.subList(plan.killed(), plan.killed() + plan.refused())) {
      worker.awaitRefused();
    }
    List<WorkerProcess> living = workers.subList(deaths, workers.size());
    for (WorkerProcess worker : living) {
      worker.end();
    }
    for (WorkerProcess worker : living) {
      tally(worker, worker.tally());
    }
  }

  private void tally(WorkerProcess worker, WorkerTally tally) {
    tallies.computeIfAbsent(worker.manner(), _ -> new WorkerTally()).add(tally);
  }

  /** Waits until no slot is held, or for long. */
  private static LeaseSlots awaitSlots(TrialStage stage, long endedNanos) throws IOException {
    LeaseSlots slots = LeaseSlots.of(stage.redis().port(), TrialPlan.POOL);
    while (!slots.areFree() && System.nanoTime() - endedNanos < SLOTS_PATIENCE.toNanos()) {
      Wait.until(System.nanoTime() + LOOK_NANOS);
      slots = LeaseSlots.of(stage.redis().port(), TrialPlan.POOL);
    }
    return slots;
  }

  private void reached(String what) {
    terminal.print("  " + style.good(style.glyphs().good()) + " " + what);
  }
}
