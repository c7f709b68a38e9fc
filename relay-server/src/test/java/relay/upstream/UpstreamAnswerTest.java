package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import okio.ForwardingSource;
import okio.Okio;
import okio.Source;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.carrier.Carriers;
import relay.config.ProviderAccess;

class UpstreamAnswerTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Request REQUEST = new Request.Builder().url("http://relay.test/").build();

  @AutoClose private final Carriers carriers = new Carriers("carrier", 1);

  @AutoClose
  private final Upstream upstream = new Upstream(carriers, LONG, LONG, LONG, () -> false);

  @AutoClose private final IdleWatch idleWatch = new IdleWatch(LONG, () -> false);

  private UpstreamAnswer answer(int status, String type) {
    return answer(status, type, ResponseBody.create("", null), idleWatch);
  }

  private UpstreamAnswer answer(int status, String type, ResponseBody body, IdleWatch watch) {
    Response response =
        new Response.Builder()
            .request(REQUEST)
            .protocol(Protocol.HTTP_1_1)
            .code(status)
            .message("")
            .header("content-type", type)
            .body(body)
            .build();
    ConnectionSlots.ConnectionSlot lane =
        upstream
            .lanes(
                URI.create("http://127.0.0.1"),
                ProviderAccess.DEFAULT,
                false,
                Duration.ofSeconds(5))
            .takeAlone();
    return new UpstreamAnswer(response, watch.watch(() -> {}), lane, null);
  }

  @Test
  void a_provider_that_sends_slowly_is_not_silent() throws Exception {
    Source slow =
        new ForwardingSource(new Buffer().writeUtf8("0123456789")) {
          @Override
          public long read(Buffer sink, long byteCount) throws IOException {
            LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
            return super.read(sink, Math.min(byteCount, 1));
          }
        };
    ResponseBody body = ResponseBody.create(Okio.buffer(slow), null, 10);
    try (IdleWatch strict = new IdleWatch(Duration.ofSeconds(1), () -> false);
        UpstreamAnswer answer = answer(200, "application/json", body, strict)) {
      assertEquals("01234567", new String(answer.readAtMost(8), UTF_8));
      assertFalse(answer.fellSilent());
    }
  }

  @Test
  void the_received_part_of_a_broken_answer_is_read() throws Exception {
    ResponseBody body = ResponseBody.create(BrokenSource.after("0123456789"), null, 20);
    try (UpstreamAnswer answer = answer(529, "application/json", body, idleWatch)) {
      assertEquals("0123456789", new String(answer.readAtMost(64), UTF_8));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "200, text/event-stream, true",
    "200, Text/Event-Stream; charset=utf-8, true",
    "200, application/json, false",
    "400, text/event-stream, false",
    "429, text/event-stream, false"
  })
  void an_error_status_is_never_an_event_stream(int status, String type, boolean stream) {
    try (UpstreamAnswer answer = answer(status, type)) {
      assertEquals(stream, answer.isEventStream());
    }
  }
}
