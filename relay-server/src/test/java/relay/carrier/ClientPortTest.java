package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.xnio.ChannelListener;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;
import org.xnio.conduits.ConduitStreamSourceChannel;
import relay.guards.Await;

class ClientPortTest {
  private static final int BACKLOG = 64;

  private final Carriers carriers = new Carriers("carrier", 2);
  private final List<Socket> clients = new ArrayList<>();
  private final Queue<StreamConnection> served = new ConcurrentLinkedQueue<>();
  private final List<ClientPort> ports = new ArrayList<>();

  @AfterEach
  void close() throws IOException {
    for (Socket client : clients) {
      client.close();
    }
    carriers.close();
  }

  private void listen(ChannelListener<StreamConnection> opener) throws IOException {
    ClientPort port =
        carriers.listen(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            BACKLOG,
            connection -> {
              served.add(connection);
              opener.handleEvent(connection);
            });
    ports.add(port);
  }

  private Socket client() throws IOException {
    ClientPort port = ports.getFirst();
    Socket client = new Socket(InetAddress.getLoopbackAddress(), port.address().getPort());
    client.setSoTimeout(30_000);
    clients.add(client);
    return client;
  }

  /** Echoes its input, and resumes reads. */
  private static void echo(StreamConnection connection) {
    connection.getSourceChannel().setReadListener(source -> echo(connection, source));
    connection.getSourceChannel().resumeReads();
  }

  private static void echo(StreamConnection connection, ConduitStreamSourceChannel source) {
    ByteBuffer bytes = ByteBuffer.allocate(4096);
    try {
      int n = source.read(bytes);
      if (n < 0) {
        IoUtils.safeClose(connection);
      }
      bytes.flip();
      while (bytes.hasRemaining()) {
        connection.getSinkChannel().write(bytes); // fits into the socket's buffer
      }
    } catch (IOException e) {
      IoUtils.safeClose(connection);
    }
  }

  @Test
  void bytes_go_both_ways_and_the_carrier_is_the_connections_io_thread() throws Exception {
    listen(ClientPortTest::echo);
    Socket client = client();
    for (int n = 1; n < 4; n++) {
      byte[] sent = ("hello " + n).getBytes(StandardCharsets.UTF_8);
      client.getOutputStream().write(sent);
      assertArrayEquals(sent, client.getInputStream().readNBytes(sent.length));
    }
    StreamConnection connection = served.element();
    assertTrue(connection.getIoThread() instanceof Carrier, connection.getIoThread()::toString);
    assertEquals(client.getLocalSocketAddress(), connection.getPeerAddress());
    assertEquals(client.getRemoteSocketAddress(), connection.getLocalAddress());
  }

  @Test
  void connections_are_spread_over_the_carriers_and_dropped_when_they_close() throws Exception {
    listen(ClientPortTest::echo);
    for (int n = 0; n < 4; n++) {
      Socket client = client();
      client.getOutputStream().write(1);
      assertEquals(1, client.getInputStream().read());
    }
    assertEquals(2, served.stream().map(StreamConnection::getIoThread).distinct().count());
    for (Socket client : clients) {
      client.close();
    }
    Await.until(
        "all are closed",
        () ->
            served.stream()
                .allMatch(one -> ((Carrier) one.getIoThread()).connections().get() == 0));
  }

  @Test
  void bytes_that_arrive_while_reads_are_suspended_are_reported_after_the_resume()
      throws Exception {
    AtomicInteger told = new AtomicInteger();
    listen(
        connection ->
            connection.getSourceChannel().setReadListener(source -> told.incrementAndGet()));
    Socket client = client();
    OutputStream out = client.getOutputStream();
    for (int n = 0; n < 50; n++) { // more often than needed to mute it
      out.write(n);
      Await.until("it came", () -> !served.isEmpty());
      turn();
    }
    assertEquals(0, told.get());
    StreamConnection connection = served.element();
    connection.getSourceChannel().setReadListener(source -> echo(connection, source));
    connection.getSourceChannel().resumeReads();
    assertEquals(50, client.getInputStream().readNBytes(50).length);
  }

  /** Waits until the carriers have handled all input. */
  private void turn() throws Exception {
    for (var thread : carriers.threads()) {
      AtomicInteger turns = new AtomicInteger();
      for (int n = 0; n < 3; n++) {
        thread.execute(turns::incrementAndGet);
      }
      Await.until("its turn", () -> turns.get() == 3);
    }
  }

  @Test
  void a_virtual_thread_reads_without_an_event_and_writes_until_the_socket_is_full()
      throws Exception {
    AtomicInteger written = new AtomicInteger();
    listen(
        connection ->
            carriers
                .at(connection.getIoThread())
                .execute(
                    () -> {
                      ByteBuffer bytes = ByteBuffer.allocate(64 * 1024);
                      try {
                        for (int n = 1; n > 0; bytes.clear()) {
                          n = connection.getSinkChannel().write(bytes);
                          written.addAndGet(n);
                        }
                      } catch (IOException e) {
                        written.set(-1);
                      }
                      connection
                          .getSinkChannel()
                          .setWriteListener(
                              sink -> {
                                sink.suspendWrites();
                                IoUtils.safeClose(connection);
                              });
                      connection.getSinkChannel().resumeWrites();
                    }));
    Socket client = client();
    byte[] all = client.getInputStream().readAllBytes(); // makes it writable, and it closes
    assertEquals(written.get(), all.length);
    assertTrue(all.length > 0);
  }

  @Test
  void a_closed_port_accepts_no_more_and_open_connections_stay() throws Exception {
    listen(ClientPortTest::echo);
    Socket client = client();
    client.getOutputStream().write(1);
    assertEquals(1, client.getInputStream().read());
    ports.getFirst().close();
    turn();
    assertThrows(ConnectException.class, this::client);
    client.getOutputStream().write(2);
    assertEquals(2, client.getInputStream().read());
  }

  @Test
  void connections_end_with_their_carriers() throws Exception {
    listen(ClientPortTest::echo);
    Socket client = client();
    client.getOutputStream().write(1);
    assertEquals(1, client.getInputStream().read());
    carriers.close();
    assertEquals(-1, client.getInputStream().read());
  }

  @Test
  void a_port_that_may_not_accept_pauses_and_goes_on_later() throws Exception {
    AtomicInteger refusals = new AtomicInteger();
    AtomicBoolean permitted = new AtomicBoolean();
    ports.add(
        carriers.listen(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            BACKLOG,
            served::add,
            () -> permitted.get() || refusals.incrementAndGet() < 0));
    client();
    Await.until("two pauses", () -> refusals.get() >= 2);
    assertEquals(0, served.size());
    permitted.set(true);
    Await.until("the client is served", () -> served.size() == 1);
  }
}
