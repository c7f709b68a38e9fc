package relay.trial;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What Redis holds for a pool, as anyone sees it with redis-cli.
 *
 * @param open leases of workers
 * @param leases all open leases
 * @param inFlight occupied slots of the keys' limits
 */
record LeaseSlots(long open, long leases, long inFlight) {
  private static final int TIMEOUT_MS = 5_000;
  private static final Pattern LEASES = Pattern.compile("\\bleases (\\d+)");
  private static final Pattern IN_FLIGHT = Pattern.compile("\\brpm .*\\binflight (\\d+)");

  static LeaseSlots of(int redisPort, String pool) throws IOException {
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), redisPort)) {
      socket.setSoTimeout(TIMEOUT_MS);
      long open = 0;
      for (String owned : ask(socket, "KEYS relay:{" + pool + "}:leases:*:@*")) {
        open += Long.parseLong(ask(socket, "ZCARD " + owned).getFirst());
      }
      return new LeaseSlots(
          open,
          sum(LEASES, ask(socket, "GET relay:{" + pool + "}:pool")),
          sum(IN_FLIGHT, ask(socket, "HGETALL relay:{" + pool + "}:keys")));
    }
  }

  boolean areFree() {
    return open == 0 && leases == 0 && inFlight == 0;
  }

  /** The texts of a reply: a number, a text, or a list of texts. None of them has a line break. */
  private static List<String> ask(Socket socket, String command) throws IOException {
    socket.getOutputStream().write((command + "\r\n").getBytes(UTF_8));
    BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
    String head = in.readLine();
    if (head == null || head.startsWith("-")) {
      throw new IOException("Redis answered " + command + " with " + head);
    }
    List<String> texts = new ArrayList<>();
    switch (head.charAt(0)) {
      case ':' -> texts.add(head.substring(1));
      case '$' -> texts.add(head.equals("$-1") ? "" : in.readLine());
      default -> {
        for (int left = Integer.parseInt(head.substring(1)); left > 0; left--) {
          in.readLine(); // the length
          texts.add(in.readLine());
        }
      }
    }
    return texts;
  }

  private static long sum(Pattern pattern, List<String> texts) {
    long sum = 0;
    for (String text : texts) {
      Matcher found = pattern.matcher(text);
      sum += found.find() ? Long.parseLong(found.group(1)) : 0;
    }
    return sum;
  }
}
