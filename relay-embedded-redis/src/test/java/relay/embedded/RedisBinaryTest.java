package relay.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import redis.embedded.RedisExecProvider;

class RedisBinaryTest {
  private static final String PROPERTY = "relay.redis.binary";

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({
    "Linux, amd64, linux-amd64",
    "Linux, aarch64, linux-arm64",
    "Linux, x86, linux-386",
    "Mac OS X, x86_64, darwin-amd64",
    "Mac OS X, aarch64, darwin-arm64",
  })
  void every_supported_system_has_one_in_the_jar(String os, String architecture, String ending)
      throws IOException {
    String resource = RedisBinary.resource(os, architecture);
    assertTrue(resource.endsWith(ending), resource);
    assertNotNull(RedisExecProvider.class.getResource(resource), resource);
  }

  @ParameterizedTest
  @CsvSource({"Windows 11, amd64", "Linux, riscv64"})
  void another_system_gets_advice(String os, String architecture) {
    IOException e = assertThrows(IOException.class, () -> RedisBinary.resource(os, architecture));
    assertTrue(e.toString().contains(architecture), e.getMessage());
    assertTrue(e.toString().contains("set redis.url"), e.getMessage());
  }

  @Test
  void the_named_one_comes_first() throws IOException {
    Path named = Files.createFile(directory.resolve("my-redis"));
    assertTrue(named.toFile().setExecutable(true));
    withProperty(
        named.toString(), () -> assertEquals(named.toAbsolutePath(), RedisBinary.in(directory)));
  }

  @Test
  void a_named_one_that_is_missing_is_an_error() throws IOException {
    withProperty(
        directory.resolve("nowhere").toString(),
        () -> {
          IOException e = assertThrows(IOException.class, () -> RedisBinary.in(directory));
          assertTrue(e.toString().contains("nowhere"), e.getMessage());
          assertTrue(e.toString().contains(PROPERTY), e.getMessage());
        });
  }

  /** An action that may fail. */
  private interface Action {
    void run() throws IOException;
  }

  private static void withProperty(String value, Action action) throws IOException {
    System.setProperty(PROPERTY, value);
    try {
      action.run();
    } finally {
      System.clearProperty(PROPERTY);
    }
  }
}
