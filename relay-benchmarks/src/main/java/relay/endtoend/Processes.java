package relay.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** Process figures from the operating system. */
final class Processes {
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
  private static final Path MACHINE = Path.of("/proc/stat");
  private static final int JCMD_PATIENCE_SECONDS = 30;

  private Processes() {}

  /** The processor time of processes in microseconds, user and system; in steps of 10 ms. */
  static double cpuMicros(List<Long> pids) {
    return pids.stream()
            .mapToDouble(
                pid ->
                    ProcessHandle.of(pid)
                        .flatMap(process -> process.info().totalCpuDuration())
                        .orElse(Duration.ZERO)
                        .toNanos())
            .sum()
        / 1e3;
  }

  /** Resident memory in KiB. */
  static long residentKib(long pid) throws IOException {
    Path status = Path.of("/proc/" + pid + "/status");
    if (Files.exists(status)) {
      return RESIDENT
          .matcher(Files.readString(status))
          .results()
          .mapToLong(found -> Long.parseLong(found.group(1)))
          .sum();
    }
    Process ps = new ProcessBuilder("ps", "-o", "rss=", "-p", Long.toString(pid)).start();
    return Long.parseLong(ps.inputReader().readAllAsString().trim());
  }

  /**
   * Makes a JVM collect garbage and return free memory, so that resident memory shows live data.
   */
  static void collect(long pid) throws IOException {
    jcmd(pid, "VM.set_flag", "MinHeapFreeRatio", "5");
    jcmd(pid, "VM.set_flag", "MaxHeapFreeRatio", "10");
    jcmd(pid, "GC.run");
    jcmd(pid, "GC.run");
    jcmd(pid, "VM.set_flag", "MaxHeapFreeRatio", "70");
    jcmd(pid, "VM.set_flag", "MinHeapFreeRatio", "40");
  }

  /** The path of a program of the running JDK. */
  static String tool(String name) {
    return Path.of(System.getProperty("java.home"), "bin", name).toString();
  }

  private static void jcmd(long pid, String... command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(tool("jcmd"), Long.toString(pid));
    builder.command().addAll(List.of(command));
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.start().onExit().orTimeout(JCMD_PATIENCE_SECONDS, TimeUnit.SECONDS).join();
  }

  /** The busy time of all processors in microseconds; 0 if unknown. */
  static double machineMicros() throws IOException {
    if (!Files.exists(MACHINE)) {
      return 0;
    }
    String[] fields = Files.readAllLines(MACHINE).getFirst().split(" +", -1);
    double ticks = 0;
    for (int n : new int[] {1, 2, 3, 6, 7, 8}) { // user, nice, system, irq, softirq, steal
      ticks += Double.parseDouble(fields[n]);
    }
    return 1e4 * ticks;
  }
}
