package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/** Events pass one by one: none waits for the next. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ParameterizedClass
@EnumSource(ProviderWire.class)
@SuppressWarnings("NullAway.Init") // its @Parameter and start() come first
@Tag("slow")
class SseFlushTest {
  private static final String ASKS_FOR_USAGE =
      "\"stream\":true,\"stream_options\":{\"include_usage\":true},";

  private final Semaphore seenByClient = new Semaphore(0);
  @Parameter private ProviderWire wire;
  private RawProvider provider;
  private Replicas replicas;

  @BeforeParameterizedClassInvocation
  void start() throws Exception {
    provider = new RawProvider(wire, this::answer);
    replicas =
        new Setup()
            .provider("anthropic", Dialect.ANTHROPIC, provider, Setup.key("a"))
            .provider("openai", Dialect.OPENAI, provider, Setup.key("o"))
            .start(1);
  }

  @AfterParameterizedClassInvocation
  void close() throws Exception {
    replicas.close();
    provider.close();
    for (Received request : provider.received()) {
      assertEquals(wire == ProviderWire.TLS_H2, request.line().endsWith("HTTP/2"));
    }
  }

  /** Sends each event only after the client has received the previous one. */
  private void answer(Received request, Connection connection) throws Exception {
    Dialect dialect = request.isFor("anthropic") ? Dialect.ANTHROPIC : Dialect.OPENAI;
    boolean zipped = "gzip".equals(request.header("accept-encoding"));
    Zipper zipper = new Zipper();
    connection.write(
        zipped
            ? Says.STREAM.replace("\r\n\r\n", "\r\ncontent-encoding: gzip\r\n\r\n")
            : Says.STREAM);
    List<String> events = Says.events(dialect);
    for (String event : events) {
      connection.chunk(zipped ? zipper.flushed(event) : event.getBytes(UTF_8));
      boolean passes = asked(request) || !event.contains("\"choices\":[]");
      if (passes && !seenByClient.tryAcquire(10, TimeUnit.SECONDS)) {
        connection.reset(); // the event was held back: fail the test
        return;
      }
    }
    if (zipped) {
      connection.chunk(zipper.rest());
    }
    connection.chunk("");
  }

  private static boolean asked(Received request) {
    return !request.text().contains("\"stream_options\":{\"include_usage\":true},\"model");
  }

  @ParameterizedTest
  @EnumSource
  void an_event_arrives_before_the_next_one_is_sent(Dialect dialect) throws Exception {
    try (RawClient wire = new RawClient(replicas.port(0))) {
      wire.send(Ask.stream(dialect, name(dialect))).head();
      assertEquals(200, wire.status());
      for (String event : Says.eventsWithoutUsage(dialect)) {
        assertEquals(event, wire.readTo("\n\n"));
        seenByClient.release();
      }
      Answer rest = wire.rest();
      assertTrue(rest.whole());
      assertEquals("", rest.text());
    }
    settled(dialect);
  }

  @ParameterizedTest
  @EnumSource
  void a_client_that_requests_usage_gets_every_byte(Dialect dialect) throws Exception {
    try (RawClient wire = new RawClient(replicas.port(0))) {
      wire.send(Ask.of(dialect, "").body(Ask.body(name(dialect), ASKS_FOR_USAGE))).head();
      for (String event : Says.events(dialect)) {
        assertEquals(event, wire.readTo("\n\n"));
        seenByClient.release();
      }
      assertTrue(wire.rest().whole());
    }
    settled(dialect);
  }

  @ParameterizedTest
  @EnumSource
  void compressed_events_pass_at_once_and_byte_for_byte(Dialect dialect) throws Exception {
    List<String> events = Says.events(dialect);
    Zipper same = new Zipper();
    ByteArrayOutputStream seen = new ByteArrayOutputStream();
    try (RawClient wire = new RawClient(replicas.port(0))) {
      String body = Ask.body(name(dialect), ASKS_FOR_USAGE);
      wire.send(Ask.of(dialect, "").body(body).header("accept-encoding: gzip")).head();
      assertEquals("gzip", wire.header("content-encoding"));
      for (String event : events) {
        byte[] expected = same.flushed(event);
        byte[] got = new byte[expected.length];
        for (int n = 0; n < got.length; ) {
          byte[] part = new byte[got.length - n];
          int read = wire.read(part);
          assertTrue(read > 0);
          System.arraycopy(part, 0, got, n, read);
          n += read;
        }
        assertArrayEquals(expected, got);
        seen.writeBytes(got);
        seenByClient.release();
      }
      Answer rest = wire.rest();
      assertTrue(rest.whole());
      seen.writeBytes(rest.body());
    }
    String text =
        new String(
            new GZIPInputStream(new ByteArrayInputStream(seen.toByteArray())).readAllBytes(),
            UTF_8);
    assertEquals(String.join("", events), text);
    settled(dialect);
  }

  /** Waits until the leases have ended, and checks that the charge equals the reported usage. */
  private void settled(Dialect dialect) throws Exception {
    long requests = provider.received(name(dialect)).size();
    String group = dialect == Dialect.ANTHROPIC ? "a/default" : "o/default";
    replicas.awaitLine(
        name(dialect),
        group,
        "rpm %d/- itpm %d/- otpm %d/- inflight 0"
            .formatted(requests, requests * Says.INPUT, requests * Says.OUTPUT));
    assertFalse(replicas.get(0).log().contains("ERROR"), replicas.get(0).log());
  }

  private static String name(Dialect dialect) {
    return dialect == Dialect.ANTHROPIC ? "anthropic" : "openai";
  }

  /** A gzip stream that is flushed after every event. */
  private static final class Zipper {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final GZIPOutputStream gzip;

    Zipper() throws IOException {
      gzip = new GZIPOutputStream(bytes, true);
    }

    byte[] flushed(String event) throws IOException {
      gzip.write(event.getBytes(UTF_8));
      gzip.flush();
      return taken();
    }

    byte[] rest() throws IOException {
      gzip.close();
      return taken();
    }

    private byte[] taken() {
      byte[] all = bytes.toByteArray();
      bytes.reset();
      return all;
    }
  }
}
