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

  /** Gives back what it reads, and asks to be told of more. */
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
        connection.getSinkChannel().write(bytes); // less than a socket holds
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
  void connections_are_shared_by_the_carriers_and_forgotten_when_they_close() throws Exception {
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
  void what_comes_while_nobody_wants_it_is_kept_and_told_of_once_it_is_wanted() throws Exception {
    AtomicInteger told = new AtomicInteger();
    listen(
        connection ->
            connection.getSourceChannel().setReadListener(source -> told.incrementAndGet()));
    Socket client = client();
    OutputStream out = client.getOutputStream();
    for (int n = 0; n < 50; n++) { // more often than it takes to mute it
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

  /** The carriers have dealt with all that had come. */
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
  void a_virtual_thread_reads_without_being_told_and_writes_until_the_client_takes_no_more()
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
    byte[] all = client.getInputStream().readAllBytes(); // which makes it writable, and it closes
    assertEquals(written.get(), all.length);
    assertTrue(all.length > 0);
  }

  @Test
  void a_closed_port_takes_no_more_and_what_is_open_stays() throws Exception {
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
}
