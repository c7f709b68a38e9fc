package relay.logging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.concurrent.TimeUnit;
import java.util.logging.LogManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import relay.logging.Logging.Format;

@Tag("slow")
class LoggingTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private String written() {
    Logging.flush();
    return out.toString(UTF_8);
  }

  @AfterEach
  void back_to_stderr() {
    Logging.configure(Level.INFO, Format.TEXT);
  }

  @Test
  void a_record_through_slf4j_is_one_json_line() {
    Logging.configure(Level.INFO, Format.JSON, out);
    LoggerFactory.getLogger("relay.pipeline.Pipeline").info("granted {} of {}", "acme-1", 3);
    String line = written();
    assertTrue(line.endsWith("}\n"), line);
    assertEquals(1, line.lines().count());
    assertTrue(line.contains("\"level\":\"info\""), line);
    assertTrue(line.contains("\"logger\":\"relay.pipeline.Pipeline\""), line);
    assertTrue(line.contains("\"msg\":\"granted acme-1 of 3\""), line);
  }

  @Test
  void the_level_is_the_configured_one() {
    Logging.configure(Level.DEBUG, Format.TEXT, out);
    LoggerFactory.getLogger("relay.a").debug("shown");
    LoggerFactory.getLogger("relay.a").trace("hidden");
    Logging.configure(Level.ERROR, Format.TEXT, out);
    LoggerFactory.getLogger("relay.a").warn("hidden too");
    LoggerFactory.getLogger("relay.a").error("shown too");
    String text = written();
    assertEquals(2, text.lines().count(), text);
    assertFalse(text.contains("hidden"), text);
  }

  @Test
  void a_library_speaks_only_to_warn() {
    Logging.configure(Level.TRACE, Format.TEXT, out);
    LoggerFactory.getLogger("io.lettuce.core.RedisClient").info("chatter");
    LoggerFactory.getLogger("io.undertow.request").warn("trouble");
    assertEquals(1, written().lines().count(), written());
    Logging.configure(Level.ERROR, Format.TEXT, out);
    LoggerFactory.getLogger("io.undertow.request").warn("below the configured level");
    assertEquals(1, written().lines().count(), written());
  }

  @Test
  void a_second_call_replaces_the_first() {
    ByteArrayOutputStream first = new ByteArrayOutputStream();
    Logging.configure(Level.INFO, Format.TEXT, first);
    Logging.configure(Level.INFO, Format.TEXT, out);
    LoggerFactory.getLogger("relay.a").info("once");
    assertEquals(0, first.size());
    assertEquals(1, written().lines().count());
  }

  private static ProcessBuilder jvm(Class<?> main) {
    return new ProcessBuilder(
        System.getProperty("java.home") + "/bin/java",
        "-cp",
        System.getProperty("java.class.path"),
        main.getName());
  }

  @Test
  void records_of_the_shutdown_come_out() throws Exception {
    Process child = jvm(LogsWhileStopping.class).redirectErrorStream(true).start();
    String output = new String(child.getInputStream().readAllBytes(), UTF_8);
    assertTrue(child.waitFor(30, TimeUnit.SECONDS));
    assertTrue(output.contains("drained"), output);
  }

  @Test
  void a_stderr_that_is_not_read_blocks_neither_work_nor_the_exit() throws Exception {
    Process child = jvm(LogsToNoReader.class).start();
    String output = new String(child.getInputStream().readAllBytes(), UTF_8);
    assertTrue(child.waitFor(30, TimeUnit.SECONDS));
    assertEquals("worked on, dropped: true", output.strip());
    assertEquals(7, child.exitValue());
  }

  /** Main of a child JVM: logs more than a pipe and the queue hold. */
  static final class LogsToNoReader {
    public static void main(String[] args) {
      Logging.configure(Level.INFO, Format.TEXT);
      for (int n = 0; n < 20_000; n++) {
        LoggerFactory.getLogger("relay.Main").info("{} {}", n, "filler".repeat(10));
      }
      System.out.println("worked on, dropped: " + (Logging.dropped() > 0));
      System.exit(7);
    }
  }

  /** Main of a child JVM: logs after the JDK's own shutdown hook has been at work. */
  static final class LogsWhileStopping {
    public static void main(String[] args) {
      Logging.configure(Level.INFO, Format.TEXT);
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    LogManager.getLogManager().reset(); // what that hook does
                    LoggerFactory.getLogger("relay.Main").info("drained");
                  }));
    }
  }
}
