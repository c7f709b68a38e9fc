package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/**
 * Puts each fault of the list into the scripts and lets the suite find it. Not part of the build,
 * for it takes minutes; it writes the table in {@code MUTATIONS.md}:
 *
 * <pre>./mvnw test -pl relay-redis-scripts -Dtest=MutationRun</pre>
 *
 * <p>{@code -Drelay.mutants=PATTERN} runs those whose name has it, and writes nothing.
 */
final class MutationRun {
  /** The quickest killers first. */
  private static final List<String> SUITE =
      List.of(
          "ModelTest#every_interleaving_gives_the_replies_and_the_state_of_the_model",
          "BadNumbersTest",
          "ExpiryTest",
          "SimultaneousTest",
          "RetryAfterTest",
          "PictureTest",
          "PickTest",
          "BucketTest",
          "KeptRecordsTest",
          "LargePoolFairnessTest",
          "LinearityTest",
          "CostTest");

  @Test
  void the_suite_catches_every_fault() throws Exception {
    String only = System.getProperty("relay.mutants", "");
    System.setProperty("relay.seeds", System.getProperty("relay.seeds", "240"));
    System.setProperty("relay.steps", System.getProperty("relay.steps", "500"));
    System.setProperty("relay.shrink", "0");
    System.setProperty("relay.states", "500");
    try {
      Map<Mutation, @Nullable String> killers = new LinkedHashMap<>();
      for (Mutation mutation : Mutation.all()) {
        if (Pattern.compile(only).matcher(mutation.name()).find()) {
          long start = System.nanoTime();
          String killer = killer(mutation);
          killers.put(mutation, killer);
          System.out.printf(
              "%-10s %s (%s, %,d ms)%n",
              killer == null ? "SURVIVED" : "caught",
              mutation.name(),
              Objects.toString(killer, "by none"),
              (System.nanoTime() - start) / 1_000_000);
        }
      }
      if (only.isEmpty()) {
        write(killers);
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

  /** As {@link #killerOn}, on a Redis of its own: a fault may leave one that hangs. */
  private static @Nullable String killer(@Nullable Mutation mutation) throws Exception {
    try (RedisProcess redis = RedisProcess.start()) {
      System.setProperty("relay.redis.url", redis.url());
      return killerOn(mutation);
    }
  }

  /** The first class of the suite that fails, or null. */
  private static @Nullable String killerOn(@Nullable Mutation mutation) throws Exception {
    MutantLoader loader = new MutantLoader(mutation);
    Launcher launcher = LauncherFactory.create();
    for (String test : SUITE) {
      String name = test.replaceFirst("#.*", "");
      Class<?> type = loader.loadClass("relay.redis." + name);
      DiscoverySelector selector =
          test.contains("#")
              ? selectMethod(type, test.substring(name.length() + 1))
              : selectClass(type);
      SummaryGeneratingListener summary = new SummaryGeneratingListener();
      launcher.execute(
          LauncherDiscoveryRequestBuilder.request().selectors(selector).build(), summary);
      long failures = summary.getSummary().getTotalFailureCount();
      if (failures > 0) {
        if (mutation == null) {
          summary.getSummary().getFailures().forEach(f -> f.getException().printStackTrace());
        }
        return name;
      }
      if (summary.getSummary().getTestsSucceededCount() == 0) {
        throw new IllegalStateException(test + " has no test");
      }
    }
    return null;
  }

  private static void write(Map<Mutation, @Nullable String> killers) throws IOException {
    Path page = Path.of("MUTATIONS.md");
    StringBuilder text = new StringBuilder(MutationPage.HEAD);
    killers.forEach((mutation, killer) -> text.append(MutationPage.row(mutation, killer)));
    Files.writeString(page, text);
  }
}
