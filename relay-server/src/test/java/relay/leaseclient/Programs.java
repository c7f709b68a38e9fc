package relay.leaseclient;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Compiles and runs programs of other languages, each in a folder of its own. */
public final class Programs {
  private static final String TYPESCRIPT = "META-INF/resources/webjars/typescript";

  private Programs() {}

  /** What it printed, after it ended without an error. */
  public static String done(Path folder, String... command) throws Exception {
    int code = ended(started(folder, command));
    String printed = Files.readString(folder.resolve("out.txt"));
    assertEquals(0, code, printed + Files.readString(folder.resolve("err.txt")));
    return printed;
  }

  /** Prints to {@code out.txt} and {@code err.txt} in its folder. */
  public static Process started(Path folder, String... command) throws IOException {
    return new ProcessBuilder(command)
        .directory(folder.toFile())
        .redirectOutput(folder.resolve("out.txt").toFile())
        .redirectError(folder.resolve("err.txt").toFile())
        .start();
  }

  /** Its exit code; one that hangs is killed. */
  public static int ended(Process process) throws InterruptedException {
    if (!process.waitFor(4, TimeUnit.MINUTES)) {
      process.destroyForcibly();
    }
    return process.waitFor();
  }

  static String jdk(String tool) {
    return Path.of(System.getProperty("java.home"), "bin", tool).toString();
  }

  /**
   * @param libraries a class path
   */
  static void javac(Path folder, String libraries, String... sources) throws Exception {
    List<String> command =
        new ArrayList<>(List.of(jdk("javac"), "--release", "17", "-Xlint:all", "-Werror"));
    command.addAll(List.of("-cp", libraries));
    command.addAll(List.of(sources));
    done(folder, command.toArray(String[]::new));
  }

  /** The library that has the file. */
  static String jar(String file) throws Exception {
    URL url = Objects.requireNonNull(Programs.class.getClassLoader().getResource(file), file);
    URL jar = ((JarURLConnection) url.openConnection()).getJarFileURL();
    return Path.of(jar.toURI()).toString();
  }

  /** Checks the types and writes JavaScript for node. */
  static void tsc(Path folder, String source) throws Exception {
    String jar = jar("META-INF/maven/org.webjars.npm/typescript/pom.xml");
    done(folder, jdk("jar"), "xf", jar, TYPESCRIPT);
    Files.writeString(folder.resolve("package.json"), "{\"type\": \"module\"}");
    Path compiler;
    try (var versions = Files.list(folder.resolve(TYPESCRIPT))) {
      compiler = versions.findFirst().orElseThrow().resolve("lib/tsc.js");
    }
    done(
        folder,
        "node",
        compiler.toString(),
        "--strict",
        "--noUnusedLocals",
        "--erasableSyntaxOnly", // so that newer versions of node run the client as it is
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--rewriteRelativeImportExtensions",
        "--noEmitOnError",
        source);
  }
}
