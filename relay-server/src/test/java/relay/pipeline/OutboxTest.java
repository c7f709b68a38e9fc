package relay.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.pool.Configs;
import relay.stream.UsageChunkFilter;

class OutboxTest {
  @AutoClose private final Meters meters = new Meters(Configs.of(Configs.POOLS));

  private final List<String> calls = new ArrayList<>();
  private boolean clientGone;

  private Outbox outbox(@Nullable UsageChunkFilter filter) {
    return new Outbox(
        new RequestContext(
            client(),
            meters,
            new BackgroundResponses(Duration.ofMinutes(1)),
            null,
            new RequestLog(0),
            new RunningRequests(),
            0),
        filter);
  }

  private ClientExchange client() {
    return ScriptedExchange.of(
        (proxy, method, given) -> {
          if (clientGone) {
            throw new IOException("the client has left");
          }
          calls.add(given == null ? method.getName() : method.getName() + " " + given[2]);
          return null;
        });
  }

  private static void add(Outbox outbox, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    System.arraycopy(bytes, 0, outbox.buffer(), outbox.filled(), bytes.length);
    outbox.add(bytes.length);
  }

  @Test
  void bytes_that_bypassed_it_are_flushed_before_each_wait_and_before_its_own() {
    Outbox outbox = outbox(null);
    outbox.flushBeforeWaiting();
    assertEquals(List.of("flush"), calls);
    add(outbox, "data: {}\n\n");
    outbox.flushBeforeWaiting();
    assertEquals(List.of("flush", "flush", "write 10"), calls);
  }

  @Test
  void bytes_that_bypassed_it_are_flushed_before_the_end() throws Exception {
    outbox(null).end();
    assertEquals(List.of("flush", "end 0"), calls);
    calls.clear();
    outbox(new UsageChunkFilter()).end();
    assertEquals(List.of("flush", "end 0"), calls);
  }

  @Test
  void nothing_bypasses_it_after_the_client_has_left() {
    byte[] event = "data: {}\n\n".getBytes(UTF_8);
    Outbox outbox = outbox(null);
    assertTrue(outbox.mayBypass(event, 0, event.length));
    clientGone = true;
    outbox.flushBeforeWaiting();
    assertFalse(outbox.mayBypass(event, 0, event.length));
    assertThrows(ClientGoneException.class, outbox::throwIfGone);
  }

  @Test
  void only_bytes_that_the_filter_leaves_whole_may_bypass_it() {
    byte[] plain = "data: {}\n\n".getBytes(UTF_8);
    byte[] usage = "data: {\"usage\":null}\n\n".getBytes(UTF_8);
    assertTrue(outbox(null).mayBypass(usage, 0, usage.length));
    Outbox filtered = outbox(new UsageChunkFilter());
    assertTrue(filtered.mayBypass(plain, 0, plain.length));
    assertFalse(filtered.mayBypass(usage, 0, usage.length));
  }
}
