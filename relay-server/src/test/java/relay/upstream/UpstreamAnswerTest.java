package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.carrier.Carriers;

class UpstreamAnswerTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Request REQUEST = new Request.Builder().url("http://relay.test/").build();

  @AutoClose private final Carriers carriers = new Carriers("carrier", 1);
  @AutoClose private final Upstream upstream = new Upstream(carriers, LONG, LONG);
  @AutoClose private final IdleWatch idleWatch = new IdleWatch(LONG, () -> {});

  private UpstreamAnswer answer(int status, String type) {
    Response response =
        new Response.Builder()
            .request(REQUEST)
            .protocol(Protocol.HTTP_1_1)
            .code(status)
            .message("")
            .header("content-type", type)
            .body(ResponseBody.create("", null))
            .build();
    Lanes.Lane lane = upstream.lanes(false).take();
    return new UpstreamAnswer(
        response, idleWatch.watch(lane.client().newCall(REQUEST)), lane, null);
  }

  @ParameterizedTest
  @CsvSource({
    "200, text/event-stream, true",
    "200, Text/Event-Stream; charset=utf-8, true",
    "200, application/json, false",
    "400, text/event-stream, false",
    "429, text/event-stream, false"
  })
  void a_refusal_is_no_stream_of_events_whatever_it_calls_itself(
      int status, String type, boolean stream) {
    try (UpstreamAnswer answer = answer(status, type)) {
      assertEquals(stream, answer.isEventStream());
    }
  }
}
