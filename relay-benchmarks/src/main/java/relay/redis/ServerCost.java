package relay.redis;

import io.lettuce.core.api.sync.RedisCommands;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The cost of function calls since Redis's statistics were reset, measured by the server: without
 * client and network.
 *
 * @param calls the number of calls
 * @param micros microseconds inside the functions
 * @param commands commands called by the functions
 */
record ServerCost(long calls, long micros, long commands) {
  private static final Pattern STAT = Pattern.compile("cmdstat_(\\S+):calls=(\\d+),usec=(\\d+),.*");
  private static final Pattern CPU = Pattern.compile("used_cpu_(?:user|sys)_main_thread:([0-9.]+)");

  static ServerCost read(RedisCommands<byte[], byte[]> redis) {
    long calls = 0;
    long micros = 0;
    long commands = 0;
    for (String line : redis.info("commandstats").lines().toList()) {
      Matcher stat = STAT.matcher(line);
      if (!stat.matches()) {
        continue;
      }
      switch (stat.group(1)) {
        case "fcall" -> {
          calls = Long.parseLong(stat.group(2));
          micros = Long.parseLong(stat.group(3));
        }
        case "info", "config|resetstat" -> {}
        default -> commands += Long.parseLong(stat.group(2));
      }
    }
    return new ServerCost(calls, micros, commands);
  }

  /** The processor time of Redis's main thread in microseconds. */
  static double cpuMicros(RedisCommands<byte[], byte[]> redis) {
    return redis
        .info("cpu")
        .lines()
        .map(CPU::matcher)
        .filter(Matcher::matches)
        .mapToDouble(m -> Double.parseDouble(m.group(1)) * 1e6)
        .sum();
  }

  double microsPerCall() {
    return (double) micros / calls;
  }

  double commandsPerCall() {
    return (double) commands / calls;
  }
}
