package relay.trial;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * The code under test as jars, with the cache that a user's build makes: a start takes less than
 * half of the time. Made once for a build; test processes share it.
 */
public final class TrainedCode {
  static final String TRAINING = "relay.trial.Training"; // as the launcher names it
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();

  private static final List<String> JVM_OPTIONS =
      List.of(
          "-Xmx256m",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1", // halves the time of a start
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "--add-opens=java.base/java.lang=ALL-UNNAMED"); // as in the jar's manifest

  private static final Path DIRECTORY = Path.of("target", "trained").toAbsolutePath();
  private static final Path CACHE = DIRECTORY.resolve("relay.aot");
  private static final Path MADE_OF = DIRECTORY.resolve("made-of");

  private static final String CLASS_PATH = make();

  private TrainedCode() {}

  /** A command that runs Relay in a small JVM with these options, too. */
  public static List<String> command(List<String> jvmOptions) {
    List<String> command = new ArrayList<>(List.of(JAVA));
    command.addAll(JVM_OPTIONS);
    command.addAll(jvmOptions);
    command.addAll(List.of("-XX:AOTCache=" + CACHE, "-Xlog:aot=off,cds=off"));
    command.addAll(List.of("-cp", CLASS_PATH, "relay.Main"));
    return command;
  }

  private static String make() {
    try {
      Files.createDirectories(DIRECTORY);
      try (FileChannel lock =
              FileChannel.open(
                  DIRECTORY.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock _ = lock.lock()) {
        String madeOf = System.getProperty("java.class.path") + "\n" + newest();
        boolean current = Files.exists(MADE_OF) && Files.readString(MADE_OF).equals(madeOf);
        if (!current) {
          Files.deleteIfExists(MADE_OF);
        }
        String classPath = classPathOfJars(DIRECTORY, !current);
        if (!current) {
          train(classPath);
          Files.writeString(MADE_OF, madeOf);
        }
        return classPath;
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void train(String classPath) throws IOException, InterruptedException {
    // A cache serves those that open the same packages.
    List<String> command = new ArrayList<>(List.of(JAVA));
    command.addAll(JVM_OPTIONS);
    command.addAll(List.of("-cp", classPath, TRAINING, CACHE.toString(), "1"));
    Process training = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(training.getInputStream().readAllBytes(), UTF_8);
    if (!training.waitFor(60, TimeUnit.SECONDS) || training.exitValue() != 0) {
      throw new IOException(said);
    }
  }

  private static long newest() throws IOException {
    long newest = 0;
    for (String entry : entries()) {
      if (Files.isDirectory(Path.of(entry))) {
        try (Stream<Path> files = Files.walk(Path.of(entry))) {
          newest =
              Math.max(newest, files.mapToLong(f -> f.toFile().lastModified()).max().orElse(0));
        }
      }
    }
    return newest;
  }

  /** The JVM takes an empty one for the working directory, and `jar` for the root. */
  private static List<String> entries() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(entry -> !entry.isEmpty() && Files.exists(Path.of(entry)))
        .toList();
  }

  /**
   * This JVM's class path with jars for its directories, as a cache needs it.
   *
   * @param make whether the jars are to be made; else only their names are given
   */
  static String classPathOfJars(Path directory, boolean make) throws IOException {
    List<String> jars = new ArrayList<>();
    for (String entry : entries()) {
      if (!Files.isDirectory(Path.of(entry))) {
        jars.add(entry);
        continue;
      }
      String jar = directory.resolve(jars.size() + ".jar").toString();
      ToolProvider tool = ToolProvider.findFirst("jar").orElseThrow();
      if (make && tool.run(System.out, System.err, "cf0", jar, "-C", entry, ".") != 0) {
        throw new IOException("no jar of " + entry);
      }
      jars.add(jar);
    }
    return String.join(File.pathSeparator, jars);
  }
}
