package relay.trial;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.random.RandomGenerator;
import relay.trial.AgentsPlan.Pool;
import relay.trial.AgentsResult.PoolResult;
import relay.trial.load.AgentLoad;
import relay.trial.load.LoadTally;
import relay.trial.process.ReplicaProcess;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.AccountStats;
import relay.trial.provider.ProviderSimulator.Dimension;

/**
 * {@code relay try --agents}: streamed answers of unknown length, by both kinds of accounting, for
 * a provider whose bucket holds the whole limit and for one whose bucket holds a sixth of it; all
 * at once, for about a minute.
 */
final class AgentsTrial {
  private static final int REPLICAS = 2;
  private static final String API_KEY = "trial-client-key";
  private static final Duration FRAME = Duration.ofSeconds(2);

  private final AgentsPlan plan;
  private final Terminal terminal;
  private final Style style;

  AgentsTrial(AgentsPlan plan, Terminal terminal, Style style) {
    this.plan = plan;
    this.terminal = terminal;
    this.style = style;
  }

  /** Runs it; returns whether the figures are as expected. */
  boolean run() throws IOException, InterruptedException {
    try (ProviderSimulator sixth = ProviderSimulator.start(plan.provider(AgentsPlan.SIXTH));
        TrialStage stage =
            new TrialStage(
                plan.provider(1),
                null,
                (port, adminPort, redisUrl, whole) ->
                    plan.yaml(
                        port,
                        adminPort,
                        API_KEY,
                        redisUrl,
                        whole.url().toString(),
                        sixth.url().toString()),
                REPLICAS,
                List.of(),
                this::reached)) {
      reached("provider     127.0.0.1:" + sixth.port() + ", the same with buckets of a sixth");
      reached(
          "load         streamed answers of "
              + plan.meanTokens()
              + " tokens a mean, log-normal, "
              + plan.overload()
              + " times what each pool can carry");
      AgentsResult result = measure(stage, sixth);
      terminal.erase();
      result.draw(style).forEach(terminal::print);
      terminal.print("");
      return result.holds();
    }
  }

  private void reached(String what) {
    terminal.print("  " + style.good(style.glyphs().good()) + " " + what);
  }

  private AgentsResult measure(TrialStage stage, ProviderSimulator sixth)
      throws IOException, InterruptedException {
    List<InetSocketAddress> addresses =
        stage.replicas().stream().map(ReplicaProcess::address).toList();
    List<String> models = AgentsPlan.pools().stream().map(Pool::name).toList();
    AgentLoad.Plan load =
        new AgentLoad.Plan(
            addresses, API_KEY, models, plan.arrivalsPerSecond(), plan.meanTokens(), plan.meanMs());
    try (AgentLoad agents = new AgentLoad(load, RandomGenerator.getDefault())) {
      Measurement all = new Measurement(stage.provider(), sixth);
      Thread sending =
          Thread.ofPlatform().name("trial-agents").start(() -> agents.run(plan.length()));
      List<PoolResult> before = List.of();
      while (!sending.join(FRAME)) {
        for (ReplicaProcess replica : stage.replicas()) {
          replica.checkAlive();
        }
        if (before.isEmpty() && all.passed(plan.before())) {
          before = all.results(List.of());
        }
        show(all.results(before), before.isEmpty());
      }
      List<LoadTally.Counts> counts = models.stream().map(agents::counts).toList();
      return new AgentsResult(
          all.results(before),
          counts.stream().mapToLong(LoadTally.Counts::errors).sum(),
          counts.stream()
              .map(LoadTally.Counts::firstError)
              .filter(e -> !e.isEmpty())
              .findFirst()
              .orElse(""));
    }
  }

  private void show(List<PoolResult> now, boolean filling) {
    StringBuilder line = new StringBuilder(filling ? "  filling the pools" : "  measuring        ");
    for (PoolResult result : now) {
      line.append("  ").append(result.pool().name()).append(' ');
      line.append(Figures.percent(result.used()));
    }
    if (terminal.inPlace()) {
      terminal.draw(List.of(line.toString()));
    } else {
      terminal.print(line.toString());
    }
  }

  /** Reads the providers' logs. */
  private final class Measurement {
    private final ProviderSimulator whole;
    private final ProviderSimulator sixth;
    private final long startNanos;
    private long fromNanos;

    private Measurement(ProviderSimulator whole, ProviderSimulator sixth) {
      this.whole = whole;
      this.sixth = sixth;
      startNanos = whole.nowNanos();
      fromNanos = startNanos;
    }

    private boolean passed(int windows) {
      boolean passed = whole.nowNanos() - startNanos >= windows * plan.window().toNanos();
      fromNanos = passed ? whole.nowNanos() : fromNanos;
      return passed;
    }

    /** Since the measured time began; the counts of `before` are taken off. */
    private List<PoolResult> results(List<PoolResult> before) {
      return AgentsPlan.pools().stream()
          .map(pool -> result(pool, before.stream().filter(r -> r.pool().equals(pool)).toList()))
          .toList();
    }

    private PoolResult result(Pool pool, List<PoolResult> before) {
      ProviderSimulator provider = pool.bucket() < 1 ? sixth : whole;
      long now = provider.nowNanos();
      double used =
          provider.usedShare(
              pool.name(), Dimension.OUTPUT_TOKENS, fromNanos, Math.max(fromNanos + 1, now));
      long refused = count(provider, pool, AccountStats::refused);
      long sent = refused + count(provider, pool, AccountStats::admitted);
      long refusedBefore = before.stream().mapToLong(PoolResult::refused).sum();
      long sentBefore = before.stream().mapToLong(PoolResult::sent).sum();
      return new PoolResult(pool, used, sent - sentBefore, refused - refusedBefore, refusedBefore);
    }

    private static long count(
        ProviderSimulator provider, Pool pool, ToLongFunction<AccountStats> what) {
      return provider.stats().accounts().stream()
          .filter(account -> account.account().equals(pool.name()))
          .mapToLong(what)
          .sum();
    }
  }
}
