package relay.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import relay.reload.ConfigState;
import relay.reload.ReloadOutcome;

/** The answer to {@code POST /reload}: the difference, or every fault. */
final class ReloadReply {
  private ReloadReply() {}

  /** Waits for the outcome as long as {@code most}; the reload goes on after that. */
  static AdminReply of(CompletableFuture<ReloadOutcome> outcome, Duration most) {
    String late =
        "the reload takes longer than %d s and goes on: the log says when it ends, and GET /pools which config holds"
            .formatted(most.toSeconds());
    return outcome
        .thenApply(ReloadReply::of)
        .completeOnTimeout(AdminReply.error(503, late), most.toMillis(), TimeUnit.MILLISECONDS)
        .join();
  }

  static AdminReply of(ReloadOutcome outcome) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    return switch (outcome) {
      case ReloadOutcome.Applied(ConfigState state, List<String> changes) -> {
        body.put("hash", state.hash());
        body.put("since", state.since().truncatedTo(ChronoUnit.SECONDS).toString());
        add(body.putArray("changes"), changes);
        add(body.putArray("need_restart"), state.needRestart());
        yield AdminReply.json(body);
      }
      case ReloadOutcome.Refused(List<String> faults) -> {
        body.put("error", "the config is refused, nothing has changed");
        add(body.putArray("faults"), faults);
        yield new AdminReply(400, AdminReply.JSON, body + "\n", Map.of());
      }
    };
  }

  private static void add(ArrayNode array, List<String> lines) {
    lines.forEach(array::add);
  }
}
