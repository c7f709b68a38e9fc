package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.CompletableFuture.completedFuture;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.body.Payload;
import relay.carrier.Carriers;
import relay.guards.Await;
import relay.upstream.UpstreamCall.Outcome;

/** An attempt releases its connection slot and its watch, whatever is thrown. */
class UpstreamCallTest {
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final Payload BODY = Payload.of(new byte[] {'{', '}'});

  @AutoClose private final MockWebServer web = new MockWebServer();
  @AutoClose private final Carriers carriers = new Carriers("carrier", 1);
  @AutoClose private final IdleWatch idleWatch = new IdleWatch(LONG, () -> false);

  private final ConnectionSlots slots =
      new ConnectionSlots(
          new ProviderClients(Protocol.HTTP_1_1, _ -> completedFuture(new OkHttpClient())),
          carriers,
          LONG,
          false);

  private final ConnectionSlots sharedSlots =
      new ConnectionSlots(
          new ProviderClients(Protocol.HTTP_1_1, _ -> completedFuture(new OkHttpClient())),
          carriers,
          LONG,
          true);

  @BeforeEach
  void begin() throws IOException {
    web.start();
  }

  private UpstreamCall call(ProviderProtocol protocol, KeyCredential credential) {
    UpstreamRequest request = new UpstreamRequest(web.url("/v1/messages"));
    return new UpstreamCall(slots, idleWatch, request, protocol, credential, BODY);
  }

  /** A call to a server that does not speak, over HTTP/2 by a connection for all calls. */
  private UpstreamCall shared(ServerSocket silent) {
    return new UpstreamCall(
        sharedSlots,
        idleWatch,
        new UpstreamRequest(HttpUrl.get("https://localhost:" + silent.getLocalPort() + "/")),
        new PlainProtocol(false),
        KeyCredential.none(),
        BODY);
  }

  private static boolean waits(Thread thread) {
    return thread.getState() == Thread.State.WAITING
        || thread.getState() == Thread.State.TIMED_WAITING;
  }

  private static Thread start(UpstreamCall call, CompletableFuture<Outcome> outcome) {
    return Thread.ofVirtual().start(() -> outcome.complete(call.execute()));
  }

  @Test
  void a_call_that_waits_for_the_connection_of_another_can_be_cancelled() throws Exception {
    try (ServerSocket silent = new ServerSocket(0)) {
      CompletableFuture<Outcome> first = new CompletableFuture<>();
      UpstreamCall connecting = shared(silent);
      start(connecting, first);
      try (Socket accepted = silent.accept()) {
        assertTrue(accepted.isConnected());
        CompletableFuture<Outcome> second = new CompletableFuture<>();
        UpstreamCall waiting = shared(silent);
        Thread thread = start(waiting, second);
        Await.until("the second call waits", () -> waits(thread));
        waiting.cancel();
        Outcome.Broken end =
            assertInstanceOf(Outcome.Broken.class, second.get(5, TimeUnit.SECONDS));
        assertFalse(end.sent());
        assertFalse(first.isDone(), "the connecting call goes on");
      }
      first.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void a_failed_connection_fails_all_calls_that_wait_for_it() throws Exception {
    int calls = 10;
    try (ServerSocket closing = new ServerSocket(0)) {
      List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
      List<Thread> threads = new ArrayList<>();
      for (int n = 0; n < calls; n++) {
        outcomes.add(new CompletableFuture<>());
        threads.add(start(shared(closing), outcomes.getLast()));
      }
      Await.until("all wait", () -> threads.stream().allMatch(UpstreamCallTest::waits));
      AtomicInteger connections = new AtomicInteger();
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  while (true) {
                    closing.accept().close();
                    connections.incrementAndGet();
                  }
                } catch (IOException e) {
                  return; // the test is over
                }
              });
      for (CompletableFuture<Outcome> outcome : outcomes) {
        assertInstanceOf(Outcome.Broken.class, outcome.get(20, TimeUnit.SECONDS));
      }
      assertTrue(connections.get() <= 3, connections.get() + " connections"); // not one a call
    }
  }

  /** Runs a task on the carrier that owns the connection slots. */
  private <T> T onCarrier(Callable<T> task) throws Exception {
    CompletableFuture<T> result = new CompletableFuture<>();
    carriers.execute(
        () -> {
          try {
            result.complete(task.call());
          } catch (Throwable e) {
            result.completeExceptionally(e);
          }
        });
    return result.get(20, TimeUnit.SECONDS);
  }

  private ConnectionSlots.ConnectionSlot idleSlot() throws Exception {
    return onCarrier(
        () -> {
          ConnectionSlots.ConnectionSlot slot = slots.takeAlone();
          slot.close();
          return slot;
        });
  }

  private String answer(UpstreamCall call) {
    Outcome outcome = call.execute();
    try (UpstreamAnswer answer = assertInstanceOf(Outcome.Answered.class, outcome).answer()) {
      assertEquals(1, idleWatch.watching());
      return new String(answer.readAtMost(6), UTF_8);
    }
  }

  private static ProviderProtocol broken(Supplier<Error> fault) {
    return new ProviderProtocol() {
      @Override
      public boolean serves(String path) {
        return true;
      }

      @Override
      public String path(String target, String model, boolean stream) {
        return target;
      }

      @Override
      public Response inDialect(Response response) {
        throw fault.get();
      }
    };
  }

  @Test
  void a_lack_of_memory_or_threads_is_a_local_cause_and_releases_everything() throws Exception {
    web.enqueue(new MockResponse.Builder().body("answer").build());
    ConnectionSlots.ConnectionSlot before = idleSlot();
    ProviderProtocol broken = broken(() -> new OutOfMemoryError("intended by the test"));
    Outcome outcome = onCarrier(call(broken, KeyCredential.none())::execute);
    Outcome.Broken failed = assertInstanceOf(Outcome.Broken.class, outcome);
    assertEquals(UpstreamCall.FailureCause.LOCAL, failed.why());
    assertEquals(0, idleWatch.watching());
    assertSame(before, idleSlot(), "the slot is idle again");
  }

  @Test
  void an_error_after_the_head_releases_everything() throws Exception {
    web.enqueue(new MockResponse.Builder().body("answer").build());
    ConnectionSlots.ConnectionSlot before = idleSlot();
    ProviderProtocol broken = broken(() -> new StackOverflowError("intended by the test"));
    onCarrier(
        () -> assertThrows(StackOverflowError.class, call(broken, KeyCredential.none())::execute));
    assertEquals(0, idleWatch.watching());
    assertSame(before, idleSlot(), "the slot is idle again");
    web.enqueue(new MockResponse.Builder().body("second").build());
    assertEquals(
        "second", onCarrier(() -> answer(call(new PlainProtocol(true), KeyCredential.none()))));
    assertEquals(0, web.takeRequest().getConnectionIndex());
    assertEquals(1, web.takeRequest().getConnectionIndex(), "the broken connection is not reused");
  }

  @Test
  void an_error_in_the_renewal_of_a_token_closes_the_first_answer() throws Exception {
    web.enqueue(new MockResponse.Builder().code(401).build());
    ConnectionSlots.ConnectionSlot before = idleSlot();
    KeyCredential credential =
        (Request.Builder request, Payload body) ->
            () -> {
              throw new IllegalStateException("intended by the test");
            };
    onCarrier(
        () ->
            assertThrows(
                IllegalStateException.class, call(new PlainProtocol(true), credential)::execute));
    assertEquals(0, idleWatch.watching());
    assertSame(before, idleSlot());
  }

  @Test
  void reading_an_answer_releases_everything() throws Exception {
    web.enqueue(new MockResponse.Builder().body("answer").build());
    onCarrier(
        () -> {
          Outcome outcome = call(new PlainProtocol(true), KeyCredential.none()).execute();
          try (UpstreamAnswer answer = assertInstanceOf(Outcome.Answered.class, outcome).answer()) {
            assertEquals(1, idleWatch.watching());
            return answer.readAtMost(6);
          }
        });
    assertEquals(0, idleWatch.watching());
  }
}
