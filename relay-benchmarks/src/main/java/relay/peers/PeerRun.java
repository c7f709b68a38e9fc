package relay.peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.trial.load.Load;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Stats;

/**
 * One gateway under one traffic; {@code relay-benchmarks/peers} starts it. It starts a Redis and
 * the provider, and prints their ports and some free ones in one line. Then it reads the {@link
 * PeerTarget}, drives it, and prints the row of the table, and notes.
 */
public final class PeerRun {
  private static final int FREE_PORTS = 8;
  private static final int STREAM_EVERY = 2;
  private static final int RETRY_EVERY = 10;
  private static final int MAX_IN_FLIGHT = 2_000;

  private PeerRun() {}

  /**
   * Arguments: the traffic, seconds to fill and to measure, the label of the row, requests a minute
   * of each key, the keys.
   */
  public static void main(String... args) throws IOException, InterruptedException {
    Traffic traffic = Traffic.named(args[0]);
    Duration part = Duration.ofSeconds(Integer.parseInt(args[1]));
    String label = args[2];
    int limit = Integer.parseInt(args[3]);
    List<Account> accounts = new ArrayList<>();
    for (String key : Arrays.asList(args).subList(4, args.length)) {
      accounts.add(new Account("account-" + accounts.size(), List.of(key), limit, 0, 0, 0));
    }
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        ProviderSimulator provider = ProviderSimulator.start(traffic.provider(accounts))) {
      System.out.println(
          provider.port()
              + " "
              + redis.port()
              + " "
              + Arrays.stream(LoopbackPorts.free(FREE_PORTS))
                  .mapToObj(Integer::toString)
                  .collect(Collectors.joining(" ")));
      double perSecond = (double) limit * accounts.size() / Traffic.WINDOW.toSeconds();
      PeerFigures figures = measure(PeerTarget.read(in), traffic, perSecond, provider, part);
      System.out.println(figures.row(label));
      figures.notes(label).forEach(System.out::println);
    }
    System.exit(0);
  }

  /** Drives a target for twice the time, and measures the second part. */
  private static PeerFigures measure(
      PeerTarget target,
      Traffic traffic,
      double perSecond,
      ProviderSimulator provider,
      Duration part)
      throws InterruptedException {
    Load.Plan plan =
        new Load.Plan(
            target.instances(),
            traffic.arrivals(perSecond),
            Duration.ZERO,
            List.of(target.request(false)),
            List.of(target.request(true)),
            STREAM_EVERY,
            RETRY_EVERY,
            MAX_IN_FLIGHT);
    try (Load load = new Load(plan, RandomGenerator.getDefault())) {
      long beganNanos = provider.nowNanos();
      Thread sending =
          Thread.ofPlatform().name("peer-load").start(() -> load.run(part.multipliedBy(2)));
      sending.join(part);
      long fromNanos = beganNanos + part.toNanos();
      Stats before = provider.stats();
      load.startOver();
      long toNanos = fromNanos + part.toNanos();
      sending.join(Duration.ofNanos(Math.max(1, toNanos - provider.nowNanos())));
      Stats after = provider.stats();
      sending.join();
      return PeerFigures.of(
          provider, before, after, fromNanos, toNanos, load.counts(), load.toldMs());
    }
  }
}
