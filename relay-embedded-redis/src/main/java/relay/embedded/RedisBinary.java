package relay.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import redis.embedded.RedisExecProvider;

/** The redis-server executable: named by the user, else carried by Relay. */
final class RedisBinary {
  private RedisBinary() {}

  /** The executable. The carried one is copied into {@code directory}. */
  static Path in(Path directory) throws IOException {
    String named = System.getProperty("relay.redis.binary", System.getenv("RELAY_REDIS_BINARY"));
    if (named != null && !named.isEmpty()) {
      Path binary = Path.of(named).toAbsolutePath();
      if (!Files.isExecutable(binary)) {
        throw failure(binary + " (relay.redis.binary) is no executable file");
      }
      return binary;
    }
    String resource =
        resource(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
    try (InputStream carried = RedisExecProvider.class.getResourceAsStream(resource)) {
      if (carried == null) {
        throw failure("none is carried for this system");
      }
      Path binary = directory.resolve("redis-server");
      Files.copy(carried, binary);
      Files.setPosixFilePermissions(binary, PosixFilePermissions.fromString("r-x------"));
      return binary;
    }
  }

  /**
   * The name of the executable in the library's jar. It is linked statically and runs with any
   * libc.
   */
  static String resource(String os, String architecture) throws IOException {
    String system = system(os.toLowerCase(Locale.ROOT));
    String processor = processor(architecture.toLowerCase(Locale.ROOT));
    if (system == null || processor == null) {
      throw failure("none is carried for " + os + " on " + architecture);
    }
    return "/redis-server-" + RedisExecProvider.redisVersion + "-" + system + "-" + processor;
  }

  private static @Nullable String system(String os) {
    if (os.startsWith("linux")) {
      return "linux";
    }
    return os.startsWith("mac") ? "darwin" : null;
  }

  private static @Nullable String processor(String architecture) {
    return switch (architecture) {
      case "amd64", "x86_64" -> "amd64";
      case "aarch64", "arm64" -> "arm64";
      case "x86", "i386", "i686" -> "386";
      default -> null;
    };
  }

  static IOException failure(String why) {
    return new IOException(
        "cannot start the embedded Redis ("
            + why
            + "); install Redis 7 or newer and set redis.url, for example redis://localhost:6379");
  }
}
