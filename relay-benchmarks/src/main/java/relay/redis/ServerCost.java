package relay.redis;

import io.lettuce.core.api.sync.RedisCommands;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What function calls cost Redis since its statistics were reset, as the server measured it:
 * neither the client nor the network is in it.
 *
 * @param calls calls
 * @param micros microseconds inside of the functions
 * @param commands commands that the functions called
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

  /** Microseconds of a processor that Redis's main thread has used since it began. */
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
