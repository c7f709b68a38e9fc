package relay.trial;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cache made as a build makes it, only with less load. */
@Tag("slow")
@Timeout(180)
class TrainingTest {
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();
  private static final String QUIET = "-Xlog:aot=off,cds=off"; // as the launcher says it

  @TempDir private Path directory;

  @Test
  void a_replica_under_load_leaves_a_cache_that_a_start_takes_its_classes_from() throws Exception {
    String classPath = TrainedCode.classPathOfJars(directory, true);
    Path cache = directory.resolve("relay.aot");
    List<String> training =
        run(0, "-XX:+UseSerialGC", "-cp", classPath, TrainedCode.TRAINING, cache + "", "1");
    assertTrue(training.getLast().matches("served [1-9][0-9]* requests"), training::toString);

    List<String> start =
        run(
            0,
            "-XX:+UseSerialGC",
            "-XX:AOTCache=" + cache,
            "-Xlog:class+load",
            "-cp",
            classPath,
            "relay.Main",
            "version");
    for (String trained :
        List.of(
            "relay.pipeline.RequestPipeline",
            "relay.carrier.TlsLayer",
            "okhttp3.internal.http1.Http1ExchangeCodec",
            "okhttp3.internal.http2.Http2ExchangeCodec")) {
      List<String> loaded =
          start.stream().filter(line -> line.contains(" " + trained + " ")).toList();
      assertEquals(1, loaded.size(), trained);
      assertTrue(loaded.getFirst().endsWith("source: shared objects file"), loaded::toString);
    }
  }

  @Test
  void a_cache_that_cannot_be_used_costs_no_word() throws Exception {
    Path broken = Files.writeString(directory.resolve("broken.aot"), "no cache");
    for (Path cache : List.of(broken, directory, directory.resolve("absent.aot"))) {
      String classPath = System.getProperty("java.class.path");
      List<String> output =
          run(0, "-XX:AOTCache=" + cache, QUIET, "-cp", classPath, "relay.Main", "version");
      assertEquals(1, output.size(), output::toString);
      assertTrue(output.getFirst().startsWith("relay "), output::toString);
    }
  }

  @Test
  void without_a_file_to_write_it_says_what_it_needs() throws Exception {
    String classPath = System.getProperty("java.class.path");
    List<String> output = run(2, "-cp", classPath, TrainedCode.TRAINING);
    assertEquals(List.of("usage: relay.trial.Training CACHE [SECONDS]"), output);
  }

  private static List<String> run(int status, String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of(JAVA));
    command.addAll(List.of(options));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    assertEquals(status, process.exitValue(), output);
    return output.lines().toList();
  }
}
