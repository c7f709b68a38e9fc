package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import relay.reload.ConfigState;
import relay.reload.ReloadOutcome;

/** What {@code POST /reload} answers. */
class ReloadReplyTest {

  @Test
  void a_config_that_holds_is_answered_with_the_difference() {
    ConfigState state =
        new ConfigState("0123456789ab", Instant.ofEpochSecond(60, 5), List.of("server.listen"));
    AdminReply reply = ReloadReply.of(new ReloadOutcome.Applied(state, List.of("a: 1 -> 2")));
    assertEquals(200, reply.status());
    assertEquals(
        "{\"hash\":\"0123456789ab\",\"since\":\"1970-01-01T00:01:00Z\","
            + "\"changes\":[\"a: 1 -> 2\"],\"need_restart\":[\"server.listen\"]}\n",
        reply.body());
  }

  @Test
  void an_invalid_one_is_answered_with_every_fault() {
    AdminReply reply = ReloadReply.of(new ReloadOutcome.Refused(List.of("one", "two")));
    assertEquals(400, reply.status());
    assertEquals(
        "{\"error\":\"the config is refused, nothing has changed\",\"faults\":[\"one\",\"two\"]}\n",
        reply.body());
  }

  @Test
  void one_that_takes_too_long_is_answered_with_where_to_look() {
    CompletableFuture<ReloadOutcome> never = new CompletableFuture<>();
    AdminReply reply = ReloadReply.of(never, Duration.ofMillis(1));
    assertEquals(503, reply.status());
    assertTrue(reply.body().contains("goes on: the log says when it ends"), reply.body());
    assertFalse(never.isDone(), "the reload itself");
  }
}
