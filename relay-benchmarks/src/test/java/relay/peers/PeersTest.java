package relay.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code relay-benchmarks/peers} with programs that only look like those of other vendors. */
@Timeout(180)
class PeersTest {
  private static final Path JAVA_HOME = Path.of(System.getProperty("java.home"));
  private static final String CLASS_PATH = System.getProperty("java.class.path");

  @TempDir Path directory;

  private record Ended(int status, String out, String errors) {}

  @AfterEach
  void nothing_is_left() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("tmp"))) {
      assertEquals(List.of(), files.toList());
    }
    Path started = directory.resolve("started");
    for (String pid : Files.exists(started) ? Files.readAllLines(started) : List.<String>of()) {
      boolean runs =
          ProcessHandle.of(Long.parseLong(pid)).map(ProcessHandle::isAlive).orElse(false);
      assertFalse(runs, "process " + pid + " of the stand-in");
    }
  }

  @Test
  void a_program_on_the_path_gets_its_rows_and_a_missing_one_a_line() throws Exception {
    standIn("cc-relay");
    Ended ended = end(start("--seconds", "2", "portkey", "cc-relay"));
    assertEquals(0, ended.status(), ended.errors());
    assertTrue(ended.out().contains("- portkey: not on the PATH, left out\n"), ended.out());
    assertTrue(ended.out().contains("- cc-relay: stand-in 1.2\n"), ended.out());
    List<String> rows = ended.out().lines().filter(line -> line.startsWith("| cc-relay")).toList();
    assertEquals(2, rows.size(), ended.out() + ended.errors());
    String figures =
        " \\| 0.0 % \\|  \\| 100 % \\| 0.01, 0.01, 0.01 s \\| (0 %)? \\| 0 to 0, pause 2 s \\| 0 of"
            + " \\d+ \\|";
    assertTrue(rows.getFirst().matches("\\| cc-relay, full" + figures), rows.getFirst());
    assertTrue(rows.getLast().matches("\\| cc-relay, third" + figures), rows.getLast());
  }

  @Test
  void a_program_that_ends_at_once_is_left_out_with_its_last_words() throws Exception {
    program("gateway", "echo unknown field: peers", "exit 1");
    Ended ended = end(start("--seconds", "2", "portkey", "tensorzero"));
    assertEquals(1, ended.status(), ended.errors());
    assertTrue(ended.out().contains("- portkey: not on the PATH, left out\n"), ended.out());
    assertTrue(
        ended.out().contains("\ntensorzero: ended before it was ready, left out\n"), ended.out());
    assertFalse(ended.out().contains("| tensorzero"), ended.out());
    assertTrue(ended.errors().contains("    unknown field: peers\n"), ended.errors());
  }

  @Test
  void an_interrupted_run_ends_all_that_it_started() throws Exception {
    standIn("cc-relay");
    Process script = start("--seconds", "60", "cc-relay");
    Path errors = directory.resolve("errors");
    Path started = directory.resolve("started");
    while (script.isAlive() && (!Files.exists(started) || Files.readAllLines(started).size() < 3)) {
      assertFalse(script.waitFor(20, TimeUnit.MILLISECONDS), Files.readString(errors));
    }
    script.destroy();
    assertEquals(143, script.waitFor(), Files.readString(errors));
  }

  @Test
  void wrong_arguments_get_the_usage() throws Exception {
    Files.createDirectory(directory.resolve("tmp"));
    for (List<String> wrong :
        List.of(
            List.of("no-such-program"),
            List.of("--seconds", "0"),
            List.of("--seconds"),
            List.of("--traffic", "no-such"))) {
      Ended ended = end(start(wrong.toArray(String[]::new)));
      assertEquals(2, ended.status(), wrong.toString());
      assertTrue(ended.errors().contains("relay-benchmarks/peers [--traffic"), ended.errors());
    }
    Ended bursts = end(start("--traffic", "bursts", "--seconds", "46", "relay"));
    assertEquals(2, bursts.status());
    assertTrue(bursts.errors().contains("--seconds 47 or more"), bursts.errors());
  }

  /** Each instance leaves its process id when it starts. */
  private void standIn(String name) throws IOException {
    program(
        name,
        "[ \"$1\" != --version ] || { echo stand-in 1.2; exit; }",
        "echo $$ >>'%s'".formatted(directory.resolve("started")),
        "exec '%s' -cp '%s' relay.peers.FixedAnswer \"$3\""
            .formatted(JAVA_HOME.resolve("bin/java"), CLASS_PATH));
  }

  private void program(String name, String... lines) throws IOException {
    Path file = Files.createDirectories(directory.resolve("path")).resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
    assertTrue(file.toFile().setExecutable(true));
  }

  private Process start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(Path.of("peers").toAbsolutePath().toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectOutput(directory.resolve("out").toFile())
            .redirectError(directory.resolve("errors").toFile());
    builder.environment().put("PATH", directory.resolve("path") + ":/usr/bin:/bin");
    builder.environment().put("JAVA_HOME", JAVA_HOME.toString());
    builder.environment().put("RELAY_PEERS_CLASSPATH", CLASS_PATH);
    Path tmp = Files.createDirectories(directory.resolve("tmp"));
    builder.environment().put("TMPDIR", tmp.toString());
    return builder.start();
  }

  private Ended end(Process script) throws IOException, InterruptedException {
    int status = script.waitFor();
    return new Ended(
        status,
        Files.readString(directory.resolve("out")),
        Files.readString(directory.resolve("errors")));
  }
}
