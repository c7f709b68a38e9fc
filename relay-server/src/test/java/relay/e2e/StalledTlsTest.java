package relay.e2e;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.guards.Await;
import relay.model.Dialect;

/** Clients that do not read their answer, which comes over TLS from the provider. */
@Tag("slow")
@ParameterizedClass
@EnumSource(names = {"TLS_H1", "TLS_H2"})
class StalledTlsTest {
  private static final int STALLED = 20;

  /** More than a system's buffers hold: a socket's may grow to 32 MB. */
  private static final int ANSWER_BYTES = 64 << 20;

  private static final int WINDOW_BYTES = 256 * 1024;
  private static final int TLS_BYTES = 51 * 1024;
  private static final double HEAP_BYTES = 32 * 1024;
  private static final String USED = "relay_memory_used_bytes";

  private final AtomicInteger begun = new AtomicInteger();
  private final AtomicInteger whole = new AtomicInteger();
  private final ProviderWire wire;
  private final RawProvider provider;
  private final Replicas replicas;

  StalledTlsTest(ProviderWire wire) throws Exception {
    this.wire = wire;
    provider = new RawProvider(wire, this::answer);
    replicas =
        new Setup()
            .jvm("-Xmx256m")
            .provider("anthropic", Dialect.ANTHROPIC, provider, Setup.key("a"))
            .start(1);
  }

  @AfterEach
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private void answer(Received request, Connection connection) throws Exception {
    if (request.header("x-stalls") == null) {
      connection.write(Says.fine(Dialect.ANTHROPIC));
      return;
    }
    begun.incrementAndGet();
    connection.write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
            + ANSWER_BYTES
            + "\r\n\r\n");
    byte[] part = "x".repeat(16 * 1024).getBytes(US_ASCII);
    for (int sent = 0; sent < ANSWER_BYTES; sent += part.length) {
      connection.write(part);
    }
    whole.incrementAndGet();
  }

  @Test
  void their_answers_stay_with_the_provider_and_are_charged() throws Exception {
    assertEquals(200, RawClient.ask(replicas.port(0), ask()).status());
    long heapBefore = liveHeapBytes();
    double chargedBefore = replicas.metric(0, USED);
    int ahead = wire == ProviderWire.TLS_H2 ? WINDOW_BYTES : TLS_BYTES;
    List<RawClient> stalled = new ArrayList<>();
    try {
      for (int n = 0; n < STALLED; n++) {
        RawClient client = new RawClient(replicas.port(0), 4096);
        client.send(ask().header("x-stalls: 1"));
        stalled.add(client);
      }
      Await.until("all have begun", () -> begun.get() == STALLED);
      Await.until(
          "all are charged what waits for them",
          () -> replicas.metric(0, USED) - chargedBefore >= STALLED * (ahead + HEAP_BYTES));
      long added = liveHeapBytes() - heapBefore;
      assertTrue(added < 60L << 20, "added " + added);
      assertEquals(0, whole.get(), "answers that left the provider");
      assertEquals(
          wire == ProviderWire.TLS_H2 ? Set.of(WINDOW_BYTES) : Set.of(),
          Set.copyOf(provider.streamWindows()),
          "a server that applies SETTINGS late sends too much if the first ones allow more");
      assertEquals(200, RawClient.ask(replicas.port(0), ask()).status());
    } finally {
      for (RawClient client : stalled) {
        client.close();
      }
    }
    Await.until(
        "nothing is charged any more", () -> replicas.metric(0, USED) <= chargedBefore + 65_536);
  }

  private static Ask ask() {
    return Ask.of(Dialect.ANTHROPIC, "anthropic");
  }

  /** After a full collection. */
  private long liveHeapBytes() throws IOException, InterruptedException {
    Process jcmd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(replicas.get(0).pid()),
                "GC.class_histogram")
            .redirectErrorStream(true)
            .start();
    String text = new String(jcmd.getInputStream().readAllBytes(), US_ASCII);
    jcmd.waitFor();
    Matcher total = Pattern.compile("Total\\s+\\d+\\s+(\\d+)").matcher(text);
    assertTrue(total.find(), text);
    return Long.parseLong(total.group(1));
  }
}
