package relay.attack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import relay.embedded.EmbeddedRedis;

/**
 * Lets all attacks loose on one replica beside normal requests, and writes what became of both. The
 * provider and all clients run in this process.
 */
public final class Attack {
  private static final Duration START = Duration.ofMinutes(2);
  private static final Duration WARM_UP = Duration.ofSeconds(15);
  private static final Duration CALM = Duration.ofMinutes(1);
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final AttackOptions options;

  private Attack(AttackOptions options) {
    this.options = options;
  }

  /** Arguments: the report's file, the launcher, options. */
  public static void main(String... args) throws Exception {
    AttackOptions options;
    try {
      options = AttackOptions.read(args);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.exit(2);
      return;
    }
    String text = new Attack(options).page();
    System.out.print(text);
    if (options.isWhole()) {
      Files.writeString(options.page(), text);
    }
    System.exit(0); // attackers may still wait for an answer
  }

  private String page() throws Exception {
    Path directory = Files.createTempDirectory("relay-attack");
    Path log = Files.createDirectories(options.page().resolveSibling("target"));
    try (EmbeddedRedis redis = EmbeddedRedis.start();
        AttackProvider provider = new AttackProvider();
        AttackedReplica replica =
            new AttackedReplica(
                options.launcher(),
                directory,
                log.resolve("attack.log"),
                redis.url(),
                provider,
                options.http2())) {
      Runtime.getRuntime().addShutdownHook(new Thread(replica::close));
      if (!within(START, () -> replica.isReady() || !replica.isAlive()) || !replica.isAlive()) {
        throw new IOException("the replica does not serve; its log is in " + log);
      }
      return run(replica, provider);
    } finally {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private static boolean within(Duration time, BooleanSupplier holds) {
    long until = System.nanoTime() + time.toNanos();
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() - until >= 0) {
        return false;
      }
      LockSupport.parkNanos(LOOK.toNanos() / 10);
    }
    return true;
  }

  private static Target target(AttackedReplica replica, Duration time) {
    return new Target(
        replica.port(), replica.adminPort(), replica.log(), System.nanoTime() + time.toNanos());
  }

  private String run(AttackedReplica replica, AttackProvider provider) throws Exception {
    Normal warmUp =
        new Normal(target(replica, WARM_UP), provider.port(), false, options.http2()).join();
    System.err.println("before the attack: " + warmUp.good() + " good, " + warmUp.failures());
    Conversations conversations = new Conversations(replica.port());
    ReplicaFigures before = replica.figures();
    long uncounted = provider.uncounted();
    Target target = target(replica, options.time());
    Normal normal = new Normal(target, provider.port(), true, options.http2());
    List<Thread> attackers = new ArrayList<>();
    for (Part part : options.parts()) {
      attackers.add(Thread.ofPlatform().daemon().start(() -> repeat(part, target)));
    }
    Most most = new Most();
    while (!target.isOver()) {
      most.look(replica);
      target.pause(LOOK.toMillis());
    }
    normal.join();
    for (Thread attacker : attackers) {
      attacker.join(CALM.toMillis());
    }
    replica.log().read(true);
    long calmFrom = System.nanoTime();
    boolean calm = within(CALM, () -> isCalm(replica, before));
    long calmMillis = (System.nanoTime() - calmFrom) / 1_000_000;
    ReplicaFigures after = replica.figures();
    long reached = provider.uncounted() - uncounted;
    return new AttackPage(
            options,
            target,
            normal,
            before,
            most,
            after,
            calm ? calmMillis : -1,
            replica,
            reached,
            conversations.kept())
        .text();
  }

  private static boolean isCalm(AttackedReplica replica, ReplicaFigures before) {
    try {
      return replica.figures().isCalm(before);
    } catch (IOException e) {
      return false;
    }
  }

  private static void repeat(Part part, Target target) {
    while (!target.isOver()) {
      try {
        part.attack(target);
      } catch (Exception e) {
        target.happened(AttackOptions.name(part), String.valueOf(e.getMessage()));
        target.pause(LOOK.toMillis() / 10);
      }
    }
  }
}
