package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;

/** Bytes that arrive while a reader is parked, handled by its carrier. */
class ParkedConsumerTest {
  private static final long SECONDS = 30;

  private final Carriers carriers = new Carriers("carrier", 2);
  private final AtomicInteger waits = new AtomicInteger();
  private ServerSocket server;

  @BeforeEach
  void open() throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  }

  @AfterEach
  void close() throws IOException {
    server.close();
    carriers.close();
  }

  /** The results of one wait, and of the read after it. */
  private record Waited(boolean toRead, int read) {}

  /** Waits for bytes on a socket of the carrier that runs the wait, or of the other one. */
  private CompletableFuture<Waited> await(int aside, Predicate<ByteBuffer> parkedConsumer) {
    CompletableFuture<Waited> end = new CompletableFuture<>();
    carriers.execute(
        () -> {
          try (Socket socket =
              carriers
                  .sockets((carriers.currentNumber() + aside) % 2, waits::incrementAndGet)
                  .createSocket(server.getInetAddress(), server.getLocalPort())) {
            boolean toRead = CarrierSockets.awaitBytes(socket, parkedConsumer);
            end.complete(new Waited(toRead, socket.getInputStream().read()));
          } catch (IOException e) {
            end.completeExceptionally(e);
          }
        });
    return end;
  }

  @Test
  void bytes_that_arrive_while_a_reader_is_parked_go_to_its_consumer_until_it_declines()
      throws Exception {
    List<Integer> given = new CopyOnWriteArrayList<>();
    CompletableFuture<Waited> end =
        await(
            0,
            came -> {
              int first = came.get(0);
              given.add(Thread.currentThread().isVirtual() ? -1 : first);
              return first < 3;
            });
    Socket peer = server.accept();
    for (int n = 1; n <= 3; n++) {
      Await.until("it waits", () -> waits.get() == 1);
      peer.getOutputStream().write(n);
      int sent = n;
      Await.until("it was given", () -> given.contains(sent));
    }
    Await.until("the read waits, too", () -> waits.get() == 2);
    peer.getOutputStream().write(4);
    assertEquals(new Waited(false, 4), end.get(SECONDS, TimeUnit.SECONDS));
    assertEquals(List.of(1, 2, 3), given);
    assertEquals(2, waits.get()); // no read was tried without bytes
  }

  @Test
  void the_end_of_the_stream_wakes_the_reader() throws Exception {
    CompletableFuture<Waited> end = await(0, came -> true);
    Socket peer = server.accept();
    peer.getOutputStream().write(1);
    peer.close();
    assertEquals(new Waited(true, -1), end.get(SECONDS, TimeUnit.SECONDS));
  }

  @Test
  void a_reader_of_another_carrier_has_no_consumer() throws Exception {
    CompletableFuture<Waited> end = await(1, came -> true);
    server.accept().getOutputStream().write(5);
    assertEquals(new Waited(true, 5), end.get(SECONDS, TimeUnit.SECONDS));
  }

  @Test
  void an_error_in_the_consumer_closes_the_connection_and_not_the_carrier() throws Exception {
    for (int n = 0; n < 2; n++) {
      CompletableFuture<Waited> end =
          await(
              0,
              came -> {
                throw new IllegalStateException("as a test wants it");
              });
      server.accept().getOutputStream().write(1);
      ExecutionException e =
          assertThrows(ExecutionException.class, () -> end.get(SECONDS, TimeUnit.SECONDS));
      assertTrue(e.getCause() instanceof IOException, e.toString());
    }
  }
}
