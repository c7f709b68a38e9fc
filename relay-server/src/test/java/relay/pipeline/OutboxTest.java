package relay.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.metrics.Meters;
import relay.pool.Configs;
import relay.stream.UsageChunkFilter;

/** Chunks that go past the outbox, of which the client takes a part. */
class OutboxTest {
  @AutoClose private final Meters meters = new Meters(Configs.of(Configs.POOLS));

  private final List<String> done = new ArrayList<>();
  private final ByteBuffer chunks = ByteBuffer.allocate(10);
  private int takes; // bytes at a time; -1 when it has left

  private Outbox outbox(@Nullable UsageChunkFilter filter) {
    return new Outbox(
        new RequestContext(client(), meters, Duration.ofSeconds(1), new RunningRequests(), 0),
        filter);
  }

  private ClientExchange client() {
    return ScriptedExchange.of(
        (proxy, method, given) -> {
          if (!method.getName().equals("sendChunks")) {
            done.add(method.getName() + " " + given[2]);
            return null;
          }
          if (takes < 0) {
            throw new IOException("it has left");
          }
          done.add("sendChunks");
          ByteBuffer some = (ByteBuffer) given[0];
          some.position(some.position() + takes);
          return takes;
        });
  }

  @Test
  void what_is_left_of_chunks_is_written_before_the_next_wait_and_once() throws Exception {
    Outbox outbox = outbox(null);
    takes = 10;
    assertEquals(10, outbox.send(chunks));
    outbox.flushBeforeWaiting();
    assertEquals(List.of("sendChunks"), done);
    takes = 3;
    assertEquals(3, outbox.send(chunks.clear()));
    outbox.flushBeforeWaiting();
    outbox.flushBeforeWaiting();
    assertEquals(List.of("sendChunks", "sendChunks", "write 0"), done);
  }

  @Test
  void what_is_left_of_chunks_is_written_before_the_end() throws Exception {
    Outbox outbox = outbox(null);
    takes = 3;
    assertEquals(3, outbox.send(chunks));
    outbox.end();
    assertEquals(List.of("sendChunks", "write 0", "end 0"), done);
  }

  @Test
  void chunks_that_nobody_takes_are_nobodys_rest() throws Exception {
    Outbox outbox = outbox(null);
    assertEquals(0, outbox.send(chunks));
    takes = -1;
    assertEquals(0, outbox.send(chunks));
    outbox.end();
    assertEquals(List.of("sendChunks", "end 0"), done);
  }

  @Test
  void only_what_nothing_would_be_taken_out_of_goes_past() {
    byte[] plain = "data: {}\n\n".getBytes(UTF_8);
    byte[] usage = "data: {\"usage\":null}\n\n".getBytes(UTF_8);
    assertTrue(outbox(null).admits(usage, 0, usage.length));
    Outbox filtered = outbox(new UsageChunkFilter());
    assertTrue(filtered.admits(plain, 0, plain.length));
    assertFalse(filtered.admits(usage, 0, usage.length));
  }
}
