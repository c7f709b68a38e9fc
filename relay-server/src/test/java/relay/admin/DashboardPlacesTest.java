package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import relay.pool.Configs;

/** How many may view the dashboard at once: the places of the feed, and those of one address. */
@Tag("slow")
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class DashboardPlacesTest {
  @AutoClose private final ServedPools served = ServedPools.of(Configs.of(Configs.POOLS));

  DashboardPlacesTest() throws Exception {}

  private static final String FEED = "GET /dashboard/events HTTP/1.1\r\nHost: localhost\r\n\r\n";

  @Test
  void a_crowd_at_one_moment_gets_no_more_places_than_there_are() throws Exception {
    List<Socket> crowd = new ArrayList<>();
    try (AdminServer its = served.serve()) {
      for (int n = 0; n < 80; n++) {
        crowd.add(from("127.0.0." + (n % 5 + 1), its.port()));
      }
      for (Socket socket : crowd) { // the carrier finds many of them at once
        socket.getOutputStream().write(FEED.getBytes(StandardCharsets.US_ASCII));
      }
      int seen = 0;
      for (Socket socket : crowd) {
        seen += first(socket).equals("HTTP/1.1 200") ? 1 : 0;
      }
      assertEquals(FeedPlaces.MOST, seen);
    } finally {
      for (Socket socket : crowd) {
        socket.close();
      }
    }
  }

  private static Socket from(String address, int port) throws IOException {
    Socket socket = new Socket();
    socket.setSoTimeout(20_000);
    socket.bind(new InetSocketAddress(InetAddress.ofLiteral(address), 0));
    socket.connect(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
    return socket;
  }

  @Test
  void one_address_leaves_places_to_others() throws Exception {
    List<Socket> open = new ArrayList<>();
    try (AdminServer its = served.serve()) {
      for (int n = 0; n < FeedPlaces.MOST_OF_ONE + 1; n++) {
        open.add(from("127.0.0.1", its.port()));
        open.getLast().getOutputStream().write(FEED.getBytes(StandardCharsets.US_ASCII));
      }
      for (int n = 0; n < FeedPlaces.MOST_OF_ONE; n++) {
        assertEquals("HTTP/1.1 200", first(open.get(n)));
      }
      assertEquals("HTTP/1.1 503", first(open.getLast()));
      open.add(from("127.0.0.2", its.port()));
      open.getLast().getOutputStream().write(FEED.getBytes(StandardCharsets.US_ASCII));
      assertEquals("HTTP/1.1 200", first(open.getLast()));
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
  }

  private static String first(Socket socket) throws IOException {
    return new String(socket.getInputStream().readNBytes(12), StandardCharsets.UTF_8);
  }
}
