package relay.redis.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.redis.RedisUnderTest;
import relay.redis.ScriptConnection;
import relay.redis.model.Accounting;
import relay.redis.simulation.Cell.Enforced;
import relay.redis.simulation.SimulatedTraffic.Kind;

/**
 * Compares admission rules before simulated providers. The committed report must match the
 * simulations. {@code -Dreport.write=true} simulates and writes all rows; otherwise the test
 * simulates every fourth of most of our rows and of one table of the others', and the {@code full}
 * profile all of these. {@code -Dreport.scripts=all} also runs every row of ours on the scripts in
 * a real Redis.
 */
@Tag("slow")
final class AccuracyReportTest {
  private static final Path REPORT = Path.of("../relay-benchmarks/ACCURACY.md");
  private static final int EVERY = 4;
  private static final String COMMAND =
      "./mvnw -q test -pl relay-redis-scripts -Dtest=AccuracyReportTest -Dreport.write=true";

  @Test
  void the_committed_report_matches_the_simulations() throws IOException {
    List<AccuracyReport.Row> rows =
        AccuracyReport.rows().stream().filter(AccuracyReportTest::isCompared).toList();
    check(row -> rows.indexOf(row) % EVERY == 0);
  }

  @Test
  @Tag("long")
  void every_row_of_the_committed_report_matches_the_simulations() throws IOException {
    check(AccuracyReportTest::isCompared);
  }

  private static boolean isCompared(AccuracyReport.Row row) {
    return (row.rule().ours != null
            && (row.kind().isCompared() || row.account() == Enforced.BUCKET))
        || (row.kind() == Kind.KNOWN
            && row.account() == Enforced.LOG
            && row.replicas() == 8
            && row.rule() != Rule.NO_LIMITER);
  }

  private static void check(Predicate<AccuracyReport.Row> isSimulated) throws IOException {
    boolean write = Boolean.getBoolean("report.write");
    String committed = Files.exists(REPORT) ? Files.readString(REPORT) : "";
    String page =
        AccuracyReport.page(introduction(), row -> write || isSimulated.test(row), committed);
    if (write) {
      Files.createDirectories(REPORT.toAbsolutePath().normalize().getParent());
      Files.writeString(REPORT, page);
      committed = page;
    }
    assertEquals(committed, page, "the report is stale; this writes it anew: " + COMMAND);
  }

  private static String introduction() throws IOException {
    try (var text = AccuracyReportTest.class.getResourceAsStream("/relay/redis/accuracy.md")) {
      assertNotNull(text);
      return new String(text.readAllBytes(), StandardCharsets.UTF_8).replace("{command}", COMMAND);
    }
  }

  private static Outcome run(Cell cell) {
    return Simulation.run(cell.rule().gate(cell.replicas()), cell);
  }

  @ParameterizedTest
  @EnumSource(
      value = Enforced.class,
      names = {"BUCKET", "LOG"})
  void the_window_is_full_and_is_never_refused_by_a_bucket_of_the_limit_or_a_log(Enforced account) {
    for (double size : AccuracyReport.SIZES) {
      Outcome o = run(new Cell(Kind.KNOWN, account, 8, Rule.SLIDING_WINDOW, size));
      assertEquals(0, o.refused(), "of size " + size);
      if (size <= 0.005) {
        assertTrue(o.used() >= 0.99, size + ": " + o);
      }
    }
  }

  @Test
  void agents_use_what_a_bucket_has() {
    Outcome ours = run(new Cell(Kind.AGENTS, Enforced.BUCKET, 8, Rule.SLIDING_WINDOW, 0.005));
    assertEquals(0, ours.refused());
    assertTrue(ours.used() >= 0.96, ours.toString());
    for (double size : List.of(0.001, 0.005, 0.02)) {
      Outcome bucket = run(new Cell(Kind.AGENTS, Enforced.BUCKET, 8, Rule.TOKEN_BUCKET, size));
      assertEquals(0, bucket.refused(), "of size " + size);
      assertTrue(bucket.used() >= 0.99, size + ": " + bucket);
    }
    Outcome slow = run(new Cell(Kind.SLOW, Enforced.BUCKET, 8, Rule.TOKEN_BUCKET, 0.001));
    assertEquals(0, slow.refused());
    assertTrue(slow.used() >= 0.99, slow.toString());
  }

  @Test
  void the_mirrored_bucket_uses_the_whole_limit_at_any_size() {
    for (double size : AccuracyReport.SIZES) {
      Outcome o = run(new Cell(Kind.KNOWN, Enforced.BUCKET, 8, Rule.TOKEN_BUCKET, size));
      assertEquals(0, o.refused(), "of size " + size);
      assertTrue(o.used() >= 0.995, size + ": " + o);
    }
  }

  @Test
  void a_smaller_bucket_is_learned_from_a_few_refusals() {
    for (double size : List.of(0.001, 0.005, 0.02)) {
      Outcome o = run(new Cell(Kind.KNOWN, Enforced.SIXTH, 8, Rule.SLIDING_WINDOW, size));
      assertTrue(o.perMillion() < 5_000, size + ": " + o);
      assertEquals(0, o.refusedLater(), size + ": " + o);
    }
  }

  @Test
  void the_scripts_on_a_real_redis_match_the_model() {
    List<Cell> cells =
        "all".equals(System.getProperty("report.scripts"))
            ? AccuracyReport.rows().stream()
                .filter(row -> row.rule().ours != null)
                .flatMap(row -> row.cells().stream())
                .toList()
            : List.of(
                new Cell(Kind.KNOWN, Enforced.SIXTH, 8, Rule.SLIDING_WINDOW, 0.02),
                new Cell(Kind.AGENTS, Enforced.LOG, 8, Rule.SLIDING_WINDOW, 0.1),
                new Cell(Kind.AGENTS, Enforced.SECOND, 1, Rule.TOKEN_BUCKET, 0.02));
    try (ScriptConnection wire = new ScriptConnection(RedisUnderTest.url())) {
      for (Cell cell : cells) {
        Accounting ours = Objects.requireNonNull(cell.rule().ours);
        ScriptRule gate =
            new ScriptRule(wire, ours, SimulatedTraffic.LIMIT, SimulatedTraffic.START);
        Outcome outcome = Simulation.run(gate, cell);
        gate.delete();
        System.out.println(cell + ": " + outcome);
        assertEquals(run(cell), outcome, cell.toString());
      }
    }
  }
}
