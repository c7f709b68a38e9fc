package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.model.Dialect;

/** Clients with HTTP/2 without TLS, by prior knowledge: many requests share a connection. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Http2Test {
  private final RawProvider provider = new RawProvider((request, connection) -> {});
  private final Replicas replicas =
      new Setup()
          .http2()
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
          .start(1);
  private final OkHttpClient client =
      new OkHttpClient.Builder().protocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE)).build();

  Http2Test() throws Exception {}

  @AfterAll
  void close() throws Exception {
    client.dispatcher().executorService().shutdown();
    client.connectionPool().evictAll();
    replicas.close();
    provider.close();
  }

  private Call call(String members, String tag) {
    return client.newCall(
        new Request.Builder()
            .url("http://127.0.0.1:" + replicas.port(0) + "/v1/messages?beta=true")
            .header("x-api-key", Ask.CLIENT_KEY)
            .header("x-tag", tag)
            .post(
                RequestBody.create(
                    Ask.body("anthropic", members), MediaType.get("application/json")))
            .build());
  }

  @Test
  void a_head_beyond_its_bounds_gets_an_error_message() throws Exception {
    try (Response response = call("", "a".repeat(70_000)).execute()) {
      assertEquals(431, response.code());
      assertTrue(response.body().string().contains("64 KiB"));
    }
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    try (Response response = call("", "a".repeat(60_000)).execute()) {
      assertEquals(200, response.code());
    }
  }

  @Test
  void a_request_and_a_stream_pass() throws Exception {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    try (Response response = call("", "json").execute()) {
      assertEquals(Protocol.H2_PRIOR_KNOWLEDGE, response.protocol());
      assertEquals(200, response.code());
      assertEquals(Says.answer(Dialect.ANTHROPIC), response.body().string());
      assertEquals("POST /v1/messages?beta=true HTTP/1.1", provider.received().getLast().line());
    }
    Semaphore seen = new Semaphore(0);
    provider.script(
        (request, connection) -> {
          connection.write(Says.STREAM);
          for (String event : Says.events(Dialect.ANTHROPIC)) {
            connection.chunk(event);
            if (!seen.tryAcquire(10, TimeUnit.SECONDS)) {
              connection.reset();
            }
          }
          connection.chunk("");
        });
    try (Response response = call("\"stream\":true,", "stream").execute()) {
      BufferedSource body = response.body().source();
      for (String event : Says.events(Dialect.ANTHROPIC)) {
        assertEquals(event, body.readUtf8(event.length()));
        seen.release();
      }
      assertTrue(body.exhausted());
    }
  }

  @Test
  void white_space_inside_a_header_value_passes_unchanged() throws Exception {
    provider.script((request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
    for (String value : List.of("a  b", "a\tb", "a \t  b")) {
      try (Response response = call("", value).execute()) {
        assertEquals(200, response.code());
        assertEquals(value, provider.received().getLast().header("x-tag"));
      }
    }
  }

  @Test
  void a_broken_stream_does_not_affect_others_on_the_connection() throws Exception {
    CountDownLatch broken = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          List<String> events = Says.events(Dialect.ANTHROPIC);
          connection.write(Says.STREAM);
          connection.chunk(events.getFirst());
          if ("breaks".equals(request.header("x-tag"))) {
            connection.close();
            return;
          }
          broken.await(10, TimeUnit.SECONDS);
          for (String event : events.subList(1, events.size())) {
            connection.chunk(event);
          }
          connection.chunk("");
        });
    try (Response lives = call("\"stream\":true,", "lives").execute()) {
      String first = Says.events(Dialect.ANTHROPIC).getFirst();
      assertEquals(first, lives.body().source().readUtf8(first.length()));
      try (Response breaks = call("\"stream\":true,", "breaks").execute()) {
        assertThrows(IOException.class, () -> breaks.body().string());
      }
      broken.countDown();
      String all = String.join("", Says.events(Dialect.ANTHROPIC));
      assertEquals(all, first + lives.body().string());
    }
  }

  @Test
  void a_client_reset_cancels_the_call_to_the_provider() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    provider.script(
        (request, connection) -> {
          asked.countDown();
          connection.awaitClosed();
          closed.countDown();
        });
    Call call = call("", "cancelled");
    Thread waiting =
        Thread.ofVirtual().start(() -> assertThrows(IOException.class, () -> call.execute()));
    assertTrue(asked.await(10, TimeUnit.SECONDS));
    call.cancel();
    waiting.join();
    assertTrue(closed.await(1, TimeUnit.SECONDS), "the call goes on");
  }
}
