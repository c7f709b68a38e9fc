package relay.upstream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.concurrent.CompletableFuture.completedFuture;
import static java.util.concurrent.CompletableFuture.runAsync;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.EventListener;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.carrier.Carriers;
import relay.guards.Await;

/**
 * A provider's name with two addresses. OkHttp tries the second while the first takes its time, and
 * uses the connection that is made first.
 */
class TwoAddressesTest {
  private static final InetAddress SLOW = InetAddress.ofLiteral("127.0.0.1");
  private static final InetAddress REFUSING = InetAddress.ofLiteral("127.0.0.2");
  private static final int WAITING = 2; // connections that a backlog of one holds

  @AutoClose private final Carriers carriers = new Carriers("carrier", 1);
  @AutoClose private final ServerSocket server = new ServerSocket(0, 1, SLOW);
  private final CountDownLatch refused = new CountDownLatch(1);
  private final AttemptTrace trace = new AttemptTrace();

  TwoAddressesTest() throws IOException {}

  private final class Refusal extends EventListener {
    @Override
    public void connectFailed(
        Call call,
        InetSocketAddress address,
        Proxy proxy,
        @Nullable Protocol protocol,
        IOException failure) {
      if (address.getAddress().equals(REFUSING)) {
        refused.countDown();
      }
    }
  }

  private OkHttpClient client() {
    return new OkHttpClient.Builder()
        .dns(_ -> List.of(SLOW, REFUSING))
        .eventListenerFactory(call -> AttemptTrace.FACTORY.create(call).plus(new Refusal()))
        .connectTimeout(Duration.ofSeconds(30))
        .readTimeout(Duration.ofSeconds(30))
        .build();
  }

  private void ask(ConnectionSlots.ConnectionSlot slot) {
    Request request =
        new Request.Builder()
            .url("http://provider.test:" + server.getLocalPort())
            .tag(AttemptTrace.class, trace)
            .build();
    try (slot;
        Response response = slot.client().newCall(request).execute()) {
      slot.spoke(response, trace.connection());
      assertEquals("ok", response.body().string());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void input_on_the_connection_that_was_made_first_ends_its_use_though_another_was_tried_later()
      throws Exception {
    ConnectionSlots slots =
        new ConnectionSlots(
            new ProviderClients(Protocol.HTTP_1_1, _ -> completedFuture(client())),
            carriers,
            Duration.ofMinutes(5),
            false);
    ConnectionSlots.ConnectionSlot slot = slots.takeAlone();
    Socket[] others = new Socket[WAITING]; // until they are accepted, no connection is made
    for (int n = 0; n < WAITING; n++) {
      others[n] = new Socket(SLOW, server.getLocalPort());
    }
    CompletableFuture<Void> call = runAsync(() -> ask(slot));
    assertTrue(refused.await(30, TimeUnit.SECONDS), "the second address is tried");
    for (Socket other : others) {
      server.accept().close();
      other.close();
    }
    try (Socket provider = server.accept()) {
      answer(provider);
      call.get(30, TimeUnit.SECONDS);
      ConnectionSlots.ConnectionSlot again = slots.takeAlone();
      assertEquals(slot, again, "it is used again");
      again.close();
      provider.getOutputStream().write("HTTP/1.1 408 Request Timeout\r\n\r\n".getBytes(ISO_8859_1));
      Await.until(
          "it is not used again",
          () -> {
            ConnectionSlots.ConnectionSlot next = slots.takeAlone();
            next.close();
            return next != slot;
          });
    }
    slots.retire();
  }

  private static void answer(Socket provider) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(provider.getInputStream(), ISO_8859_1));
    String line = in.readLine();
    while (line != null && !line.isEmpty()) {
      line = in.readLine();
    }
    provider
        .getOutputStream()
        .write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".getBytes(ISO_8859_1));
  }
}
