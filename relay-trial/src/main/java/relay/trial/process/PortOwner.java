package relay.trial.process;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Which process listens on a port, as Linux tells it. */
final class PortOwner {
  private static final String LISTENING = "0A";
  private static final int ADDRESS = 1; // columns of a line
  private static final int STATE = 3;
  private static final int INODE = 9;

  private PortOwner() {}

  /** Whether a process or one of its children listens on the port; true where none can tell. */
  static boolean isOf(int port, ProcessHandle process) throws IOException {
    Set<String> sockets = listening(port);
    if (sockets.isEmpty()) {
      return !Files.isReadable(Path.of("/proc/self/net/tcp")); // not Linux, or it has ended
    }
    for (ProcessHandle one : Stream.concat(Stream.of(process), process.descendants()).toList()) {
      if (holdsOne(one.pid(), sockets)) {
        return true;
      }
    }
    return false;
  }

  private static Set<String> listening(int port) throws IOException {
    Set<String> sockets = new HashSet<>();
    String end = ":%04X".formatted(port);
    for (String table : List.of("/proc/self/net/tcp", "/proc/self/net/tcp6")) {
      if (!Files.isReadable(Path.of(table))) {
        continue;
      }
      for (String line : Files.readAllLines(Path.of(table))) {
        String[] column = line.strip().split(" +", -1);
        if (column[ADDRESS].endsWith(end) && column[STATE].equals(LISTENING)) {
          sockets.add("socket:[" + column[INODE] + "]");
        }
      }
    }
    return sockets;
  }

  private static boolean holdsOne(long pid, Set<String> sockets) {
    try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
      for (Path descriptor : open) {
        if (isOne(descriptor, sockets)) {
          return true;
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // it has ended
    }
    return false;
  }

  private static boolean isOne(Path descriptor, Set<String> sockets) {
    try {
      return sockets.contains(Files.readSymbolicLink(descriptor).toString());
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }
}
