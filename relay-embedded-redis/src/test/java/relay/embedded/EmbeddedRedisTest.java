package relay.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
@Timeout(60)
class EmbeddedRedisTest {

  @Test
  void it_answers_on_its_port_and_stores_nothing() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      assertEquals("redis://127.0.0.1:" + redis.port(), redis.url());
      assertEquals("+PONG", ask(redis.port(), "PING", 1).getFirst());
      assertEquals("", ask(redis.port(), "CONFIG GET save", 5).getLast());
      assertEquals("127.0.0.1", ask(redis.port(), "CONFIG GET bind", 5).getLast());
    }
  }

  @Test
  void with_a_folder_its_data_survive_a_kill(@TempDir Path folder) throws Exception {
    Path data = folder.resolve("made/by it");
    try (EmbeddedRedis redis = EmbeddedRedis.startIn(data)) {
      assertEquals("+OK", ask(redis.port(), "SET kept 1", 1).getFirst());
      ProcessHandle.of(redis.pid()).orElseThrow().destroyForcibly();
    }
    try (EmbeddedRedis redis = EmbeddedRedis.startIn(data)) {
      assertEquals("1", ask(redis.port(), "GET kept", 2).getLast());
    }
  }

  @Test
  void a_folder_has_one_redis_at_a_time(@TempDir Path folder) throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.startIn(folder)) {
      IOException e = assertThrows(IOException.class, () -> EmbeddedRedis.startIn(folder));
      assertTrue(e.toString().contains("another Relay keeps its data in"), e.toString());
      assertEquals("+PONG", ask(redis.port(), "PING", 1).getFirst());
    }
    EmbeddedRedis.startIn(folder).close();
  }

  @Test
  void its_directory_is_private() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      assertEquals(
          "rwx------",
          PosixFilePermissions.toString(
              Files.getPosixFilePermissions(redis.process().directory())));
    }
  }

  @Test
  void close_ends_it_and_deletes_its_directory() throws Exception {
    EmbeddedRedis redis = EmbeddedRedis.start();
    List<ProcessHandle> processes = redis.process().handles().toList();
    assertTrue(processes.size() >= 2, "a watchdog and a Redis: " + processes);
    redis.close();
    redis.close();
    allEnd(processes);
    assertThrows(IOException.class, () -> ask(redis.port(), "PING", 1));
    assertFalse(Files.exists(redis.process().directory()));
  }

  @Test
  void two_at_a_time_have_two_ports() throws Exception {
    try (EmbeddedRedis one = EmbeddedRedis.start();
        EmbeddedRedis other = EmbeddedRedis.start()) {
      assertNotEquals(one.port(), other.port());
      assertEquals("+PONG", ask(one.port(), "PING", 1).getFirst());
      assertEquals("+PONG", ask(other.port(), "PING", 1).getFirst());
    }
  }

  @Test
  void a_port_that_another_redis_took_is_not_mistaken_for_its_own() throws Exception {
    try (EmbeddedRedis first = EmbeddedRedis.start()) {
      Deque<Integer> ports = new ArrayDeque<>(List.of(first.port(), LoopbackPorts.free()));
      int second = ports.getLast();
      try (EmbeddedRedis redis = EmbeddedRedis.start(ports::removeFirst, null)) {
        assertEquals(second, redis.port());
      }
    }
  }

  @Test
  void it_gives_up_when_every_port_is_taken() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      IOException e =
          assertThrows(IOException.class, () -> EmbeddedRedis.start(taken::getLocalPort, null));
      assertTrue(e.toString().contains("no free port in 5 attempts"), e.getMessage());
      assertTrue(e.toString().contains("set redis.url"), e.getMessage());
    }
  }

  @Test
  void kill_9_of_the_parent_ends_it_and_deletes_its_directory() throws Exception {
    Process parent =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-cp",
                System.getProperty("java.class.path"),
                Parent.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader lines = parent.inputReader()) {
      int port = Integer.parseInt(lines.readLine());
      Path directory = Path.of(lines.readLine());
      assertEquals("+PONG", ask(port, "PING", 1).getFirst());
      List<ProcessHandle> processes = parent.descendants().toList();
      assertTrue(processes.size() >= 2, "a watchdog and a Redis: " + processes);

      parent.destroyForcibly();

      allEnd(processes);
      assertThrows(IOException.class, () -> ask(port, "PING", 1));
      assertFalse(Files.exists(directory));
    } finally {
      parent.destroyForcibly();
    }
  }

  @Test
  void a_signal_to_the_parents_group_does_not_reach_it() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      String own = groupOf(ProcessHandle.current());
      for (ProcessHandle process : redis.process().handles().toList()) {
        assertNotEquals(own, groupOf(process));
      }
    }
  }

  @Test
  void a_redis_that_dies_is_noticed() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      CompletableFuture<Void> noticed = new CompletableFuture<>();
      redis.process().onUnexpectedExit(() -> noticed.complete(null));
      ProcessHandle.of(redis.pid()).orElseThrow().destroyForcibly();
      noticed.get(20, TimeUnit.SECONDS);
    }
  }

  /** Main of a JVM that is killed: starts a Redis, says where, and waits for its end. */
  static final class Parent {
    public static void main(String[] args) throws IOException {
      EmbeddedRedis redis = EmbeddedRedis.start();
      System.out.println(redis.port() + "\n" + redis.process().directory());
      var _ = System.in.read();
    }
  }

  private static void allEnd(List<ProcessHandle> processes) throws Exception {
    for (ProcessHandle process : processes) {
      Optional<ProcessHandle> alive = ProcessHandle.of(process.pid());
      if (alive.isPresent()) {
        alive.get().onExit().get(20, TimeUnit.SECONDS);
      }
    }
  }

  private static String groupOf(ProcessHandle process) throws Exception {
    Path stat = Path.of("/proc", "" + process.pid(), "stat");
    if (Files.exists(stat)) {
      String line = Files.readString(stat); // PID (COMMAND) STATE PARENT GROUP ...
      return line.substring(line.lastIndexOf(')') + 2).split(" ", 4)[2];
    }
    Process ps = new ProcessBuilder("ps", "-o", "pgid=", "-p", "" + process.pid()).start();
    String group = new String(ps.getInputStream().readAllBytes(), UTF_8).strip();
    assertFalse(group.isEmpty(), "ps knows no " + process.pid());
    return group;
  }

  private static List<String> ask(int port, String command, int lines) throws IOException {
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      socket.setSoTimeout(5_000);
      socket.getOutputStream().write((command + "\r\n").getBytes(UTF_8));
      BufferedReader reply =
          new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
      List<String> read = new ArrayList<>();
      for (int i = 0; i < lines; i++) {
        read.add(String.valueOf(reply.readLine()));
      }
      return read;
    }
  }
}
