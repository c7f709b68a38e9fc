package relay.trial;

import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.ref.Reference;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.random.RandomGenerator;
import relay.trial.TrialResult.AccountResult;
import relay.trial.load.ArrivalTimes;
import relay.trial.load.Load;
import relay.trial.load.LoadTally;
import relay.trial.load.PoolView;
import relay.trial.load.RequestBytes;
import relay.trial.load.RetryProbe;
import relay.trial.process.ReplicaProcess;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Dimension;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * {@code relay try}: all of Relay on one machine, without an account or a configuration. Starts
 * Redis, a provider that enforces its limits, and two replicas; saturates the pool; shows it live;
 * prints the figures and whether the promise held.
 */
public final class Trial {
  private static final String AGENTS = "--agents";
  private static final int REPLICAS = 2;
  private static final String API_KEY = "trial-client-key";
  private static final String MINUTES = "--minutes";
  private static final String WORKERS = "--workers";
  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(8);
  private static final long FRAME_MS = 500;
  private static final long LINE_EVERY_FRAMES = 4;
  private static final int MAX_IN_FLIGHT = 512;
  private static final int STREAM_EVERY = 3;
  private static final int RETRY_EVERY = 4;

  private final TrialPlan plan;
  private final Terminal terminal;
  private final Style style;

  private Trial(TrialPlan plan, Terminal terminal, Style style) {
    this.plan = plan;
    this.terminal = terminal;
    this.style = style;
  }

  /**
   * Runs the command; takes some 40 s, or four minutes more than are to be measured. Leaves nothing
   * behind, Ctrl-C included.
   *
   * @param options of {@code relay try}
   * @param environment for {@code NO_COLOR}, {@code COLUMNS}, {@code TERM}
   * @return 0 if the promise held; 1 if not, or if something failed
   */
  private static int run(
      PrintStream out, Map<String, String> environment, TrialPlan plan, List<String> options) {
    boolean onTerminal =
        Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    Style style = Style.of(environment, onTerminal, out.charset());
    boolean inPlace = onTerminal && !environment.getOrDefault("TERM", "").equals("dumb");
    try (Terminal terminal = new Terminal(out, inPlace)) {
      Runtime.getRuntime().addShutdownHook(new Thread(terminal::close, "trial-terminal"));
      Trial trial = new Trial(plan, terminal, style);
      int workers = number(options, WORKERS);
      return trial.exitCode(
          workers > 0
              ? () -> trial.withWorkers(workers)
              : options.contains(AGENTS) ? trial::withAgents : trial::ofOnePool);
    }
  }

  /** Runs the command; {@code relay.Main} calls it by name. */
  public static void main(String[] args) {
    // held here, or the loggers could be collected with their levels
    List<Logger> quiet = List.of(Logger.getLogger("io.undertow"), Logger.getLogger("org.xnio"));
    quiet.forEach(logger -> logger.setLevel(Level.WARNING));
    try {
      List<String> options = List.of(args);
      int minutes = number(options, MINUTES);
      TrialPlan plan = minutes > 0 ? TrialPlan.ofMinutes(minutes) : TrialPlan.standard();
      System.exit(run(System.out, System.getenv(), plan, options));
    } finally {
      Reference.reachabilityFence(quiet);
    }
  }

  /** The number after an option; 0 without the option. */
  private static int number(List<String> options, String name) {
    return options.contains(name) ? Integer.parseInt(options.get(options.indexOf(name) + 1)) : 0;
  }

  private void begin(String command, String what) {
    terminal.print("");
    terminal.print("  " + style.bold(command) + style.dim("  " + what));
    terminal.print("");
  }

  /** One kind of trial. Returns whether its promise holds. */
  private interface Kind {
    boolean run() throws IOException, InterruptedException;
  }

  private int exitCode(Kind kind) {
    try {
      return kind.run() ? 0 : 1;
    } catch (IOException e) {
      return failed(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 1;
    }
  }

  private boolean withAgents() throws IOException, InterruptedException {
    begin("relay try --agents", "two replicas, four pools of one key each, all of them saturated");
    return new AgentsTrial(AgentsPlan.standard(), terminal, style).run();
  }

  private boolean withWorkers(int workers) throws IOException, InterruptedException {
    begin("relay try --workers", "workers with leases beside the proxy's load, on one account");
    return new WorkersTrial(WorkersPlan.standard(workers), terminal, style).run().holds();
  }

  private int failed(IOException e) {
    terminal.erase();
    terminal.print("");
    terminal.print("  " + style.bad(style.glyphs().bad() + " relay try failed: ") + e.getMessage());
    return 1;
  }

  private boolean ofOnePool() throws IOException, InterruptedException {
    begin("relay try", "two replicas share one pool of keys");
    try (TrialStage stage =
        new TrialStage(
            Settings.of(plan.window(), plan.accounts().toArray(new Account[0])),
            null,
            this::config,
            REPLICAS,
            List.of(),
            this::reached)) {
      reached(
          "load         "
              + Math.round(plan.capacityPerSecond() * plan.overload())
              + " requests/s, "
              + plan.overload()
              + " times what the pool can carry");
      terminal.print("");
      terminal.print(
          style.dim("  look inside meanwhile:  ")
              + "redis-cli -p "
              + stage.redis().port()
              + " HGETALL 'relay:{"
              + TrialPlan.POOL
              + "}:keys'");
      TrialResult measured = measure(stage);
      terminal.erase();
      new Summary(style).draw(measured).forEach(terminal::print);
      farewell();
      return measured.promiseHolds();
    }
  }

  private String config(int port, int adminPort, String redisUrl, ProviderSimulator provider) {
    return TrialConfig.yaml(
        plan, port, adminPort, TrialConfig.oneClient(API_KEY), redisUrl, provider.url().toString());
  }

  private TrialResult measure(TrialStage stage) throws IOException, InterruptedException {
    ProviderSimulator provider = stage.provider();
    List<InetSocketAddress> addresses =
        stage.replicas().stream().map(ReplicaProcess::address).toList();
    Load.Plan loadPlan =
        new Load.Plan(
            addresses,
            ArrivalTimes.steady(
                plan.capacityPerSecond() * plan.overloadAtFirst(),
                plan.window(),
                plan.capacityPerSecond() * plan.overload()),
            plan.window(),
            requests(false),
            requests(true),
            STREAM_EVERY,
            RETRY_EVERY,
            MAX_IN_FLIGHT);
    try (Load load = new Load(loadPlan, RandomGenerator.getDefault())) {
      long startNanos = provider.nowNanos();
      Saturation saturation = new Saturation(startNanos, plan);
      Thread sending =
          Thread.ofPlatform().name("trial-load").start(() -> load.run(saturation.longest()));
      Animation animation = new Animation(stage, load, saturation, startNanos);
      while (!sending.join(Duration.ofMillis(FRAME_MS))) {
        animation.frame();
        if (saturation.isOver(System.nanoTime())) {
          load.end();
        }
      }
      long loadedNanos = System.nanoTime() - startNanos;
      byte[] large =
          RequestBytes.messages(API_KEY, plan.probeInputTokens(), plan.outputTokens(), false);
      ReplicaProcess first = stage.replicas().getFirst();
      animation.last("checking retry-after");
      RetryProbe.Outcome probes =
          new RetryProbe(first.address(), first.adminAddress(), large, plan.window())
              .run(plan.probes(), PROBE_TIMEOUT.plus(plan.window()));
      long steadyNanos = saturation.fromNanos(System.nanoTime());
      long endNanos = saturation.untilNanos(System.nanoTime());
      return new TrialResult(
          Duration.ofNanos(endNanos - steadyNanos),
          Duration.ofNanos(steadyNanos - startNanos),
          plan.window(),
          plan.accounts().stream()
              .map(account -> measured(provider, account.id(), steadyNanos, endNanos))
              .toList(),
          provider.stats().refused(),
          load.counts(),
          probes,
          Duration.ofNanos(loadedNanos),
          provider.flow(steadyNanos, endNanos));
    }
  }

  private List<byte[]> requests(boolean stream) {
    return RequestBytes.ofManySizes(API_KEY, plan.inputTokens(), plan.outputTokens(), stream);
  }

  static AccountResult measured(
      ProviderSimulator provider, String id, long fromNanos, long toNanos) {
    return new AccountResult(
        id,
        provider.usedShare(id, Dimension.REQUESTS, fromNanos, toNanos),
        provider.usedShare(id, Dimension.INPUT_TOKENS, fromNanos, toNanos),
        provider.usedShare(id, Dimension.OUTPUT_TOKENS, fromNanos, toNanos),
        provider.charged(id, Dimension.REQUESTS, fromNanos, toNanos),
        Duration.ofNanos(provider.longestPauseNanos(id, fromNanos, toNanos)));
  }

  private void reached(String what) {
    terminal.print("  " + style.good(style.glyphs().good()) + " " + what);
  }

  private void farewell() {
    terminal.print("");
    terminal.print("  " + style.bold("Next"));
    for (String[] step :
        new String[][] {
          {"./relay init", "writes a first relay.yaml, with comments"},
          {"export ANTHROPIC_API_KEY=...", "or put in your keys and their limits"},
          {"./relay check", "says what is wrong in it, with line and column"},
          {"./relay serve", "clients' base URL: http://127.0.0.1:8787"},
          {"./relay keys --watch", "live usage of every key"},
          {"redis-cli -p PORT HGETALL 'relay:{anthropic}:keys'", "the same; `serve` logs the port"}
        }) {
      terminal.print("    " + Figures.left(step[0], 52) + style.dim(step[1]));
    }
    terminal.print("");
  }

  /** Draws the live picture, frame by frame. */
  private final class Animation {
    private final TrialStage stage;
    private final Load load;
    private final Saturation saturation;
    private final long startNanos;
    private final Screen screen = new Screen(style);
    private List<Long> lastGranted = List.of(0L, 0L);
    private long lastNanos;
    private long frames;

    private Animation(TrialStage stage, Load load, Saturation saturation, long startNanos) {
      this.stage = stage;
      this.load = load;
      this.saturation = saturation;
      this.startNanos = startNanos;
      this.lastNanos = startNanos;
    }

    private void frame() throws IOException {
      long now = System.nanoTime();
      show(saturation.isSteady(now) ? "saturated, measuring" : "filling the pool");
    }

    private void last(String phase) throws IOException {
      frames = 0;
      show(phase);
    }

    private void show(String phase) throws IOException {
      for (ReplicaProcess replica : stage.replicas()) {
        replica.checkAlive();
      }
      PoolView pool = PoolView.of(stage.replicas().getFirst().adminAddress());
      long now = System.nanoTime();
      saturation.observe(pool, now);
      if (!terminal.inPlace() && frames++ % LINE_EVERY_FRAMES != 0) {
        return;
      }
      LoadTally.Counts counts = load.counts();
      double seconds = Math.max(0.001, (now - lastNanos) / 1e9);
      List<Long> perSecond = new ArrayList<>();
      for (int i = 0; i < counts.grantedByReplica().size(); i++) {
        perSecond.add(
            Math.round((counts.grantedByReplica().get(i) - lastGranted.get(i)) / seconds));
      }
      lastGranted = counts.grantedByReplica();
      lastNanos = now;
      Screen.Moment moment =
          new Screen.Moment(
              phase,
              TimeUnit.NANOSECONDS.toSeconds(now - startNanos),
              TimeUnit.NANOSECONDS.toSeconds(saturation.untilNanos(now) - startNanos),
              pool,
              perSecond,
              counts.granted(),
              stage.provider().stats().refused(),
              counts.relay429());
      if (terminal.inPlace()) {
        terminal.draw(screen.draw(moment));
      } else {
        terminal.print(screen.line(moment));
      }
    }
  }
}
