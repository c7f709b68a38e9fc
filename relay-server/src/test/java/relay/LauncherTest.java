package relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code relay}, in a checkout with scripts in place of Maven and JDK. They record their
 * calls.
 */
@Timeout(60)
class LauncherTest {
  private static final Path REPOSITORY = Path.of("..").toAbsolutePath().normalize();

  /** Records its options and creates the file named by the last argument. */
  private static final String TRAINING =
      """
      echo "$*" >>"${0%/bin/java}/trainings"
      for file; do :; done
      echo learned >"$file"
      """;

  @TempDir private Path directory;
  private Path root;
  private Path jdk;

  @BeforeEach
  void make_a_checkout() throws IOException {
    Path real = directory.toRealPath();
    root = real.resolve("check out");
    for (String module : modules()) {
      Files.createDirectories(root.resolve(module).resolve("src/main/java"));
      Files.writeString(root.resolve(module).resolve("pom.xml"), "");
    }
    Files.writeString(root.resolve("pom.xml"), "");
    Files.createDirectory(root.resolve(".mvn"));
    Files.createDirectories(root.resolve("deploy/release"));
    for (String file : List.of("relay", ".mvn/find-jdk.sh", "deploy/release/java-options.sh")) {
      Files.copy(REPOSITORY.resolve(file), root.resolve(file));
    }
    assertTrue(root.resolve("relay").toFile().setExecutable(true));
    script(
        root.resolve("mvnw"),
        """
        cd "$(dirname "$0")"
        echo "$@" >>builds
        [ ! -p gate ] || read -r _ <gate
        mkdir -p relay-server/target
        touch relay-server/target/relay.jar
        """);
    jdk = Files.createDirectory(real.resolve("jdk"));
    Files.writeString(jdk.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"25.0.1\"\n");
    Files.createDirectory(jdk.resolve("bin"));
    script(jdk.resolve("bin/javac"), "");
    script(
        jdk.resolve("bin/java"),
        """
        case "$*" in
          *relay.trial.Training*) . "${0%/bin/java}/training"; exit ;;
        esac
        pwd
        for word; do echo "<$word>"; done
        """);
    Files.writeString(jdk.resolve("training"), TRAINING);
    backdate(root);
  }

  @Test
  void it_builds_only_once() throws Exception {
    assertTrue(run(root.resolve("relay"), "version").contains("<version>"));
    assertTrue(run(root.resolve("relay"), "version").contains("<version>"));
    assertEquals(1, builds().size());
    assertTrue(builds().getFirst().contains("-Dmaven.test.skip=true package"));
  }

  @Test
  void it_builds_again_if_a_source_is_newer_or_deleted() throws Exception {
    Path source = Files.writeString(root.resolve("relay-server/src/main/java/A.java"), "");
    backdate(root);
    var _ = run(root.resolve("relay"));
    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusMillis(100)));
    var _ = run(root.resolve("relay"));
    assertEquals(2, builds().size());

    backdate(root.resolve("relay-server/src"));
    Files.delete(source);
    Files.setLastModifiedTime(
        source.getParent(),
        FileTime.from(Instant.now().plusMillis(100))); // file times may be coarse
    var _ = run(root.resolve("relay"));
    assertEquals(3, builds().size());
  }

  @Test
  void it_builds_again_when_a_source_of_any_module_is_newer() throws Exception {
    var _ = run(root.resolve("relay"));
    int builds = 1;
    for (String module : modules()) {
      for (String source : List.of("pom.xml", "src/main/java")) {
        Path changed = root.resolve(module).resolve(source);
        FileTime before = Files.getLastModifiedTime(changed);
        Files.setLastModifiedTime(changed, FileTime.from(Instant.now().plusSeconds(1)));
        var _ = run(root.resolve("relay"));
        assertEquals(++builds, builds().size(), changed::toString);
        Files.setLastModifiedTime(changed, before);
      }
    }
  }

  @Test
  void two_concurrent_starts_build_once() throws Exception {
    Process mkfifo = new ProcessBuilder("mkfifo", root.resolve("gate").toString()).start();
    assertEquals(0, mkfifo.waitFor());
    Process one = start(root.resolve("relay"), "one");
    Process other = start(root.resolve("relay"), "other");
    Files.writeString(root.resolve("gate"), "go\n"); // a FIFO: this blocks until a build reads it
    assertTrue(output(one).contains("<one>"));
    assertTrue(output(other).contains("<other>"));
    assertEquals(1, builds().size());
  }

  @Test
  void it_works_through_a_symlink_and_keeps_the_callers_directory() throws Exception {
    Path link = directory.resolve("bin-relay");
    Files.createSymbolicLink(link, root.resolve("relay"));
    List<String> output = run(link, "check", "--config", "my file.yaml");
    assertTrue(output.contains(directory.toRealPath().toString()), output.toString());
    int jar = output.indexOf("<-jar>");
    assertEquals(
        List.of(
            "<" + root.resolve("relay-server/target/relay.jar") + ">",
            "<check>",
            "<--config>",
            "<my file.yaml>"),
        output.subList(jar + 1, output.size()));
  }

  @Test
  void the_users_jvm_options_come_last() throws Exception {
    List<String> output = run(root.resolve("relay"));
    int jar = output.indexOf("<-jar>");
    assertEquals(List.of("<-Xmx64m>", "<-Da=b>"), output.subList(jar - 2, jar));
  }

  @Test
  void a_failed_build_is_a_failure() throws Exception {
    script(root.resolve("mvnw"), "exit 3");
    Process process = start(root.resolve("relay"));
    assertTrue(output(process).contains("relay: the build failed, see above"));
    assertEquals(1, process.exitValue());
  }

  @Test
  void it_trains_once_per_build_and_uses_the_result() throws Exception {
    List<String> first = run(root.resolve("relay"), "version");
    List<String> second = run(root.resolve("relay"), "version");
    Path cache = root.resolve("relay-server/target/relay.aot");
    assertEquals("learned\n", Files.readString(cache));
    for (List<String> output : List.of(first, second)) {
      assertTrue(output.contains("<-XX:AOTCache=" + cache + ">"), output::toString);
    }
    assertFalse(second.toString().contains("training"), second::toString);
    assertEquals(1, trainings().size());

    Path jar = root.resolve("relay-server/target/relay.jar"); // as Maven creates it
    Files.setLastModifiedTime(jar, FileTime.from(Instant.now().plusSeconds(1)));
    Files.setLastModifiedTime(cache, FileTime.from(Instant.now()));
    assertFalse(run(root.resolve("relay")).contains("<version>"));
    assertEquals(2, trainings().size());
  }

  @Test
  void it_trains_with_the_options_that_it_serves_with() throws Exception {
    List<String> output = run(root.resolve("relay"));
    List<String> serving =
        output.subList(1 + output.indexOf(directory.toRealPath().toString()), output.size());
    List<String> shared =
        serving.stream()
            .takeWhile(word -> !word.startsWith("<-XX:AOTCache="))
            .map(word -> word.substring(1, word.length() - 1))
            .toList();
    assertTrue(shared.contains("-XX:+UseSerialGC"), shared::toString);
    assertTrue(
        trainings().getFirst().startsWith(String.join(" ", shared) + " -cp "),
        trainings()::toString);
  }

  @Test
  void where_it_cannot_build_it_says_so() throws Exception {
    Files.writeString(root.resolve("target"), "no directory"); // root may write anywhere
    Process process = start(root.resolve("relay"), "version");
    List<String> output = output(process);
    assertEquals(1, process.exitValue());
    assertEquals(1, output.size(), output::toString);
    String expected = "relay: cannot build here: " + root.resolve("target") + " is not writable";
    assertTrue(output.getFirst().startsWith(expected), output::toString);
  }

  @Test
  void a_working_directory_that_cannot_be_read_is_no_reason_to_build() throws Exception {
    var _ = run(root.resolve("relay"), "version");
    Path unreadable = Files.createDirectory(directory.resolve("unreadable"));
    String script = "chmod 0 . && exec \"$@\""; // root may read it all the same
    ProcessBuilder builder =
        new ProcessBuilder("sh", "-c", script, "sh", root.resolve("relay").toString(), "version");
    builder.directory(unreadable.toFile()).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", jdk.toString());
    List<String> output = output(builder.start());
    Files.setPosixFilePermissions(unreadable, PosixFilePermissions.fromString("rwx------"));
    assertTrue(output.contains("<version>"), output::toString);
    assertEquals(1, builds().size());
  }

  @Test
  void a_java_home_that_does_not_do_is_named() throws Exception {
    Path old = directory.toRealPath().resolve("jdk-17");
    Files.createDirectories(old.resolve("bin"));
    Files.writeString(old.resolve("release"), "JAVA_VERSION=\"17.0.1\"\n");
    script(old.resolve("bin/java"), "");
    script(old.resolve("bin/javac"), "");
    ProcessBuilder builder = new ProcessBuilder(root.resolve("relay").toString(), "version");
    builder.redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", old.toString());
    builder.environment().put("PATH", jdk.resolve("bin") + ":" + System.getenv("PATH"));
    List<String> output = output(builder.start());
    String expected = "relay: JAVA_HOME, %s, is no JDK 25 or newer: using %s".formatted(old, jdk);
    assertEquals(expected, output.getFirst(), output::toString);
    assertTrue(output.contains("<version>"), output::toString);
  }

  @Test
  void a_failed_training_is_ignored_and_not_repeated() throws Exception {
    Files.writeString(jdk.resolve("training"), TRAINING + "echo 'no Redis'\nexit 1\n");
    List<String> output = run(root.resolve("relay"), "version");
    assertTrue(output.contains("<version>"), output::toString);
    assertTrue(output.toString().contains("training failed"), output::toString);
    assertFalse(output.toString().contains("AOTCache"), output::toString);
    assertEquals("no Redis\n", Files.readString(root.resolve("target/relay.training")));

    List<String> again = run(root.resolve("relay"), "version");
    assertTrue(again.contains("<version>"), again::toString);
    assertFalse(again.toString().contains("raining"), again::toString);
    assertEquals(1, trainings().size());
  }

  /** What the jar is built from: every module of the build but the benchmarks. */
  private static List<String> modules() throws IOException {
    return Pattern.compile("<module>(.*)</module>")
        .matcher(Files.readString(REPOSITORY.resolve("pom.xml")))
        .results()
        .map(module -> module.group(1))
        .filter(module -> !module.equals("relay-benchmarks"))
        .toList();
  }

  private List<String> trainings() throws IOException {
    return Files.readAllLines(jdk.resolve("trainings"));
  }

  private List<String> run(Path relay, String... arguments) throws Exception {
    Process process = start(relay, arguments);
    List<String> output = output(process);
    assertEquals(0, process.exitValue(), output.toString());
    return output;
  }

  private Process start(Path relay, String... arguments) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(relay.toString());
    builder.command().addAll(List.of(arguments));
    builder.directory(directory.toFile()).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", jdk.toString());
    builder.environment().put("RELAY_JAVA_OPTS", "-Xmx64m -Da=b");
    return builder.start();
  }

  private static List<String> output(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    return output.lines().toList();
  }

  private List<String> builds() throws IOException {
    return Files.readAllLines(root.resolve("builds"));
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, "#!/bin/sh\nset -eu\n" + text);
    assertTrue(file.toFile().setExecutable(true));
  }

  /**
   * Dates the sources back to yesterday, so that the build is newer even with coarse file times.
   */
  private static void backdate(Path top) throws IOException {
    FileTime yesterday = FileTime.from(Instant.now().minus(Duration.ofDays(1)));
    try (var files = Files.walk(top)) {
      for (Path file : files.filter(file -> !file.endsWith("relay.jar")).toList()) {
        Files.setLastModifiedTime(file, yesterday);
      }
    }
  }
}
