package relay.carrier;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.net.SocketFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.Seeds;
import relay.guards.Await;

class CarrierChannelTest {
  private static final long SECONDS = 30;

  private final Carriers carriers = new Carriers("carrier", 2);
  private final Carrier carrier = new Carrier("carrier", 9);
  private final AtomicInteger waits = new AtomicInteger();
  private final SocketFactory sockets = carriers.sockets(0, waits::incrementAndGet);
  private final List<Socket> open = new ArrayList<>();
  private final List<Thread> serving = new ArrayList<>();
  private final Seeds seeds = new Seeds();
  private ServerSocket server;

  @BeforeEach
  void open() throws IOException {
    server = new ServerSocket(0, 500, InetAddress.getLoopbackAddress());
    carrier.start();
  }

  @AfterEach
  void close() throws Exception {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
    carriers.close();
    carrier.close();
    for (Thread one : serving) {
      one.join(TimeUnit.SECONDS.toMillis(SECONDS));
    }
  }

  private Socket connect() throws IOException {
    return kept(sockets.createSocket(server.getInetAddress(), server.getLocalPort()));
  }

  private Socket accept() throws IOException {
    return kept(server.accept());
  }

  private Socket kept(Socket socket) {
    open.add(socket);
    return socket;
  }

  @Test
  void echoes_are_complete_on_many_connections_of_two_carriers() throws Exception {
    serving.add(Thread.ofVirtual().start(this::echo));
    List<CompletableFuture<Integer>> all = new ArrayList<>();
    for (int n = 0; n < 100; n++) {
      Random random = seeds.random(n);
      // Every third is read by a thread of the other carrier than the one that waits for it
      int aside = n % 3 == 0 ? 1 : 0;
      CompletableFuture<Integer> rounds = new CompletableFuture<>();
      all.add(rounds);
      carriers.execute(() -> exchange(random, aside, rounds));
    }
    for (CompletableFuture<Integer> rounds : all) {
      assertEquals(20, rounds.get(SECONDS, TimeUnit.SECONDS), seeds.replay(0));
    }
  }

  private void echo() {
    try {
      while (true) {
        Socket accepted = server.accept();
        Thread.ofVirtual()
            .start(
                () -> {
                  try (accepted) {
                    accepted.getInputStream().transferTo(accepted.getOutputStream());
                  } catch (IOException e) {
                    // the other side reports the error
                  }
                });
      }
    } catch (IOException e) {
      // the test is over
    }
  }

  private void exchange(Random random, int aside, CompletableFuture<Integer> rounds) {
    int home = (carriers.currentNumber() + aside) % 2;
    try (Socket socket =
        carriers
            .sockets(home, () -> {})
            .createSocket(server.getInetAddress(), server.getLocalPort())) {
      for (int n = 0; n < 20; n++) {
        byte[] sent = new byte[1 + random.nextInt(random.nextInt(10) == 0 ? 150_000 : 3_000)];
        random.nextBytes(sent);
        OutputStream out = socket.getOutputStream();
        for (int at = 0; at < sent.length; ) {
          int some = Math.min(sent.length - at, 1 + random.nextInt(40_000));
          out.write(sent, at, some);
          at += some;
        }
        out.flush();
        InputStream in = socket.getInputStream();
        byte[] back = new byte[sent.length];
        for (int at = 0; at < back.length; ) {
          int some = in.read(back, at, Math.min(back.length - at, 1 + random.nextInt(9_000)));
          assertTrue(some > 0, "the end");
          at += some;
        }
        assertArrayEquals(sent, back);
      }
      rounds.complete(20);
    } catch (IOException | AssertionError e) {
      rounds.completeExceptionally(e);
    }
  }

  @Test
  void the_callback_runs_before_each_wait_and_later_bytes_are_read() throws Exception {
    Socket socket = connect();
    Socket peer = accept();
    assertEquals(0, waits.get());
    peer.getOutputStream().write(new byte[] {1, 2, 3});
    assertEquals(1, socket.getInputStream().read());
    assertEquals(1, waits.get());
    assertEquals(2, socket.getInputStream().read()); // bytes are left, so there is no wait
    assertEquals(3, socket.getInputStream().read());
    assertEquals(1, waits.get());
    peer.close();
    assertEquals(-1, socket.getInputStream().read());
    assertEquals(-1, socket.getInputStream().read());
  }

  @Test
  void a_writer_parks_until_the_other_side_reads() throws Exception {
    byte[] much = new byte[8_000_000];
    new Random(5).nextBytes(much);
    Socket socket = connect();
    Socket peer = accept();
    CompletableFuture<Boolean> written = new CompletableFuture<>();
    carriers.execute(
        () -> {
          try {
            socket.getOutputStream().write(much);
            socket.getOutputStream().flush();
            socket.shutdownOutput();
            written.complete(true);
          } catch (IOException e) {
            written.completeExceptionally(e);
          }
        });
    byte[] first = peer.getInputStream().readNBytes(1_000);
    assertFalse(written.isDone());
    byte[] rest = peer.getInputStream().readAllBytes();
    assertTrue(written.get(SECONDS, TimeUnit.SECONDS));
    assertEquals(much.length, first.length + rest.length);
    assertEquals(
        ByteBuffer.wrap(much), ByteBuffer.allocate(much.length).put(first).put(rest).flip());
  }

  @Test
  void unread_bytes_do_not_keep_the_carrier_busy_and_are_read_later() throws Exception {
    CompletableFuture<Boolean> passed = new CompletableFuture<>();
    carrier.begin(
        () -> {
          try {
            leaveUnread();
            passed.complete(true);
          } catch (Exception | AssertionError e) {
            passed.completeExceptionally(e);
          }
        });
    assertTrue(passed.get(SECONDS, TimeUnit.SECONDS));
  }

  private void leaveUnread() throws Exception {
    CarrierChannel connection = new CarrierChannel(carrier, waits::incrementAndGet);
    connection.connect(server.getLocalSocketAddress(), 0);
    Socket peer = accept();
    assertFalse(connection.hasUnsolicitedInput());
    peer.getOutputStream().write(7);
    Await.until("the carrier looks no more", () -> interest(connection) == 0);
    assertTrue(connection.hasUnsolicitedInput());
    byte[] some = new byte[8];
    assertEquals(1, connection.read(some, 0, 8, 0));
    assertFalse(connection.hasUnsolicitedInput());
    peer.getOutputStream().write(new byte[] {8, 9});
    assertEquals(2, connection.read(some, 0, 8, 0));
    assertFalse(connection.hasUnsolicitedInput());
    peer.close();
    Await.until("the end was seen", connection::hasUnsolicitedInput);
    connection.close();
  }

  /** A request with a long body is not run by a carrier. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void unread_input_is_known_to_a_thread_that_no_carrier_runs(boolean ends) throws Exception {
    CarrierChannel connection = new CarrierChannel(carrier, waits::incrementAndGet);
    assertFalse(connection.hasUnsolicitedInput());
    connection.connect(server.getLocalSocketAddress(), 0);
    Socket peer = accept();
    assertFalse(connection.hasUnsolicitedInput());
    if (ends) {
      peer.close();
    } else {
      peer.getOutputStream().write("HTTP/1.1 408 Request Timeout".getBytes(UTF_8));
    }
    Await.until("the input was seen", connection::hasUnsolicitedInput);
    connection.close();
  }

  private int interest(CarrierChannel connection) {
    CompletableFuture<Integer> ops = new CompletableFuture<>();
    carrier.execute(
        () -> {
          SelectionKey key = carrier.keyOf(connection.channel());
          ops.complete(key == null ? -1 : key.interestOps());
        });
    return ops.join();
  }

  @Test
  void a_connection_that_the_other_side_closed_is_known_before_its_next_use() throws Exception {
    CompletableFuture<Boolean> before = new CompletableFuture<>();
    CompletableFuture<Boolean> ended = new CompletableFuture<>();
    CompletableFuture<Boolean> after = new CompletableFuture<>();
    carriers.execute(
        () -> {
          try {
            CarrierSockets own = carriers.sockets(carriers.currentNumber(), () -> {});
            Socket made = own.createSocket(server.getInetAddress(), server.getLocalPort());
            kept(made);
            before.complete(CarrierSockets.hasUnsolicitedInput(made));
            ended.join();
            while (!CarrierSockets.hasUnsolicitedInput(
                made)) { // the test has a bound, and fails with it
              LockSupport.parkNanos(1_000_000);
            }
            after.complete(true);
          } catch (IOException e) {
            before.completeExceptionally(e);
          }
        });
    Socket peer = accept();
    assertFalse(before.get(SECONDS, TimeUnit.SECONDS));
    peer.close();
    ended.complete(true);
    assertTrue(after.get(SECONDS, TimeUnit.SECONDS));
  }

  @Test
  void a_read_and_a_write_end_when_another_thread_closes() throws Exception {
    Socket reads = connect();
    Socket writes = connect();
    CompletableFuture<Throwable> read = failure(() -> reads.getInputStream().read());
    CompletableFuture<Throwable> written =
        failure(() -> writes.getOutputStream().write(new byte[50_000_000]));
    Await.until("one waits", () -> waits.get() > 0);
    reads.close();
    writes.close();
    assertTrue(read.get(SECONDS, TimeUnit.SECONDS) instanceof SocketException);
    assertTrue(written.get(SECONDS, TimeUnit.SECONDS) instanceof IOException);
  }

  private interface Io {
    void run() throws IOException;
  }

  private CompletableFuture<Throwable> failure(Io task) {
    CompletableFuture<Throwable> seen = new CompletableFuture<>();
    carriers.execute(
        () -> {
          try {
            task.run();
            seen.complete(new AssertionError("it did not fail"));
          } catch (IOException e) {
            seen.complete(e);
          }
        });
    return seen;
  }

  @Test
  void a_read_times_out() throws Exception {
    Socket socket = connect();
    Socket peer = accept();
    socket.setSoTimeout(20);
    assertThrows(SocketTimeoutException.class, () -> socket.getInputStream().read());
    peer.getOutputStream().write(1);
    socket.setSoTimeout(0);
    assertEquals(1, socket.getInputStream().read());
  }

  @Test
  void a_connection_that_is_refused_or_unanswered_or_unroutable_fails() throws Exception {
    int port = server.getLocalPort();
    server.close();
    InetSocketAddress nobody = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    assertThrows(ConnectException.class, () -> sockets.createSocket().connect(nobody, 5_000));
    InetSocketAddress unknown = InetSocketAddress.createUnresolved("nowhere.invalid", 1);
    assertThrows(UnknownHostException.class, () -> sockets.createSocket().connect(unknown, 5_000));
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThrows(
          SocketTimeoutException.class,
          () -> {
            for (int n = 0; n < 10; n++) { // no accept(), and a backlog of one or two
              kept(sockets.createSocket()).connect(full.getLocalSocketAddress(), 200);
            }
          });
    }
  }

  @Test
  void a_socket_that_was_never_connected_leaves_no_file_open() throws Exception {
    UnixOperatingSystemMXBean system =
        (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long before = system.getOpenFileDescriptorCount();
    for (int n = 0; n < 200; n++) {
      sockets.createSocket().close();
    }
    Await.until("all are closed", () -> system.getOpenFileDescriptorCount() < before + 100);
  }

  @Test
  void options_reach_the_socket() throws Exception {
    Socket socket = connect();
    assertTrue(socket.getTcpNoDelay());
    assertFalse(socket.getKeepAlive());
    socket.setKeepAlive(true);
    assertTrue(socket.getKeepAlive());
    socket.setSoLinger(true, 3);
    assertEquals(3, socket.getSoLinger());
    socket.setSoLinger(false, 0);
    assertEquals(-1, socket.getSoLinger());
    assertEquals(server.getLocalPort(), socket.getPort());
    assertEquals(server.getInetAddress(), socket.getInetAddress());
    assertEquals(socket.getLocalAddress(), accept().getInetAddress());
    assertTrue(socket.isConnected());
    socket.close();
    assertTrue(socket.isClosed());
    assertThrows(SocketException.class, socket::getInputStream);
  }
}
