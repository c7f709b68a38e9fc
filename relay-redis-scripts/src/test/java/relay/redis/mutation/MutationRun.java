package relay.redis.mutation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import io.lettuce.core.RedisCommandTimeoutException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import relay.redis.FaultyRedis;

/**
 * Puts each fault of the list into the scripts and runs the suite. Not part of the build, because
 * it takes minutes; it writes the table in {@code MUTATIONS.md}:
 *
 * <pre>
 * ./mvnw test -pl relay-redis-scripts -am -Dsurefire.failIfNoSpecifiedTests=false -Dtest=MutationRun
 * </pre>
 *
 * <p>{@code -Drelay.mutants=PATTERN} runs those whose name or file contains it, and keeps the other
 * rows. {@code -Drelay.suite=CLASS,PACKAGE.CLASS#METHOD(int, int)} runs those alone.
 */
final class MutationRun {
  private static final String WALKS =
      "walk.ModelTest#every_interleaving_gives_the_replies_and_the_state_of_the_model";

  /** First a few walks, which find most faults; last the slowest tests. */
  private static final String FEW = "40";

  private static final String MANY = System.getProperty("relay.seeds", "240");

  static final List<String> SUITE =
      List.of(
          WALKS,
          "NotesTest",
          "LastingScriptTest",
          "LastingLeaseTest",
          "SharesTest",
          "ToldTimesTest",
          "MaxMinSharesTest",
          "ClientStatesTest",
          "RecallWalkTest",
          "RecallTest",
          "LateUsageTest",
          "BudgetTest",
          "BudgetPeriodsTest",
          "BudgetWalkTest",
          "DaysTest",
          "DayFleetTest",
          "PinsTest",
          "WorkspacesTest",
          "NamedKeysTest",
          "ConcurrentSharesTest",
          "LargeSharesTest",
          "LargeGroupTest",
          "PoolTimeTest",
          "LostRecordsTest",
          "FleetWalkTest",
          "ReconfigureTest",
          "FleetPlansTest",
          "ShadowModeTest",
          "outage.ImpossibleTest",
          "BadNumbersTest",
          "ExpiryTest",
          "LearnTest",
          "simulation.SmallerBucketTest",
          "outage.MissingReplicaTest",
          "SimultaneousTest",
          "RefundTest",
          "walk.RetryAfterTest",
          "PictureTest",
          "PickTest",
          "BucketTest",
          "KeptRecordsTest",
          "LargePoolFairnessTest",
          "LostPartTest",
          "script.AnnouncementTest",
          "CostTest",
          "LinearityTest",
          WALKS);

  @Test
  void the_suite_catches_every_fault() throws Exception {
    String only = System.getProperty("relay.mutants", "");
    System.setProperty("relay.steps", System.getProperty("relay.steps", "500"));
    System.setProperty("relay.shrink", "0");
    System.setProperty("relay.states", "500");
    try {
      Map<Mutation, @Nullable String> killers = new LinkedHashMap<>();
      for (Mutation mutation : Mutation.all()) {
        if (Pattern.compile(only).matcher(mutation.name() + " | " + mutation.file()).find()) {
          long start = System.nanoTime();
          String killer = killer(mutation);
          killers.put(mutation, killer);
          write(killers); // an aborted run keeps its results
          System.out.printf(
              "%-10s %s (%s, %,d ms)%n",
              killer == null ? "SURVIVED" : "caught",
              mutation.name(),
              Objects.toString(killer, "by none"),
              (System.nanoTime() - start) / 1_000_000);
        }
      }
      List<String> survivors = new ArrayList<>();
      killers.forEach(
          (mutation, killer) -> {
            if (killer == null) {
              survivors.add(mutation.name());
            }
          });
      assertEquals(List.of(), survivors);
      assertEquals(null, killer(null), "without a fault all passes");
    } finally {
      System.clearProperty("relay.redis.url");
    }
  }

  /** As {@link #killerOn}, on a new Redis: a fault may make it hang. */
  private static @Nullable String killer(@Nullable Mutation mutation) throws Exception {
    try (FaultyRedis redis = FaultyRedis.start()) {
      System.setProperty("relay.redis.url", redis.url());
      return killerOn(mutation);
    }
  }

  /** The first class of the suite that fails, or null. */
  private static @Nullable String killerOn(@Nullable Mutation mutation) throws Exception {
    Launcher launcher = LauncherFactory.create();
    String some = System.getProperty("relay.suite", "");
    List<String> suite =
        some.isEmpty() ? SUITE : Pattern.compile(",(?! )").splitAsStream(some).toList();
    for (int n = 0; n < suite.size(); n++) {
      String test = suite.get(n);
      String name = test.replaceFirst("#.*", "");
      System.setProperty("relay.seeds", n == 0 ? FEW : MANY);
      Class<?> type = new MutantLoader(mutation).loadClass("relay.redis." + name);
      DiscoverySelector selector =
          test.contains("#")
              ? selectMethod(type.getClassLoader(), "relay.redis." + test)
              : selectClass(type);
      SummaryGeneratingListener summary = new SummaryGeneratingListener();
      int tries = 0;
      do { // a paused machine says nothing about the fault
        launcher.execute(
            LauncherDiscoveryRequestBuilder.request().selectors(selector).build(), summary);
      } while (tries++ < 2 && hasWaitedInVain(summary));
      long failures = summary.getSummary().getTotalFailureCount();
      if (failures > 0) {
        if (mutation == null) {
          summary.getSummary().getFailures().forEach(f -> f.getException().printStackTrace());
        }
        return type.getSimpleName();
      }
      if (summary.getSummary().getTestsSucceededCount() == 0) {
        throw new IllegalStateException(test + " has no test");
      }
    }
    return null;
  }

  private static boolean hasWaitedInVain(SummaryGeneratingListener summary) {
    return summary.getSummary().getFailures().stream()
        .flatMap(f -> Stream.iterate(f.getException(), Objects::nonNull, Throwable::getCause))
        .anyMatch(RedisCommandTimeoutException.class::isInstance);
  }

  private static void write(Map<Mutation, @Nullable String> killers) throws IOException {
    Path page = Path.of("MUTATIONS.md");
    List<String> before = Files.readString(page).lines().toList();
    StringBuilder text = new StringBuilder(MutationPage.HEAD);
    for (Mutation mutation : Mutation.all()) {
      if (killers.containsKey(mutation)) {
        text.append(MutationPage.row(mutation, killers.get(mutation)));
      } else {
        String start = "| " + mutation.name() + " |";
        before.stream()
            .filter(row -> row.startsWith(start))
            .forEach(row -> text.append(row).append('\n'));
      }
    }
    Files.writeString(page, text);
  }
}
