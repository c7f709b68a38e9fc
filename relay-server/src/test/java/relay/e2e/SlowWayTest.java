package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.guards.Await;
import relay.model.Dialect;

/** A replica without the private parts of libraries says so, and works. */
@Tag("slow")
class SlowWayTest {
  /** Looked for by every replica; the others are used only together with these. */
  private static final List<String> PARTS =
      List.of("virtual_threads", "frame_head", "read_ahead", "lent_bytes");

  private static void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws Exception {
    if (request.text().contains("\"stream\":true")) {
      connection.write(Says.STREAM);
      for (String event : Says.events(Dialect.ANTHROPIC)) {
        connection.chunk(event);
      }
      connection.chunk("");
    } else {
      connection.write(Says.fine(Dialect.ANTHROPIC));
    }
  }

  @ParameterizedTest
  @EnumSource
  void all_requests_are_served(ProviderWire wire) throws Exception {
    try (RawProvider provider = new RawProvider(wire, SlowWayTest::answer);
        Replicas replicas =
            new Setup()
                .jvm("-Drelay.reach_off=*")
                .provider("anthropic", Dialect.ANTHROPIC, provider, Setup.key("a"))
                .start(1)) {
      String members = "\"x\":\"" + "x".repeat(50_000) + "\",";
      String events = String.join("", Says.events(Dialect.ANTHROPIC));
      for (int n = 0; n < 5; n++) {
        Ask large = Ask.of(Dialect.ANTHROPIC, "").body(Ask.body("anthropic", members));
        assertEquals(200, RawClient.ask(replicas.port(0), large).status());
        Answer stream = RawClient.ask(replicas.port(0), Ask.stream(Dialect.ANTHROPIC, "anthropic"));
        assertTrue(stream.whole(), stream.toString());
        assertEquals(events, stream.text());
      }
      assertEquals(10, provider.received().size());
      String log = replicas.get(0).log();
      for (String part : PARTS) {
        assertEquals(1, timesTold(part, log), log);
      }
      assertEquals(wire == ProviderWire.TLS_H2 ? 1 : 0, timesTold("http2_streams", log), log);
    }
  }

  private static long timesTold(String part, String log) {
    return Pattern.compile("\\(" + part + ": turned off").matcher(log).results().count();
  }

  @Test
  void one_part_alone_can_be_turned_off() throws Exception {
    try (RawProvider provider = new RawProvider(SlowWayTest::answer);
        Replicas replicas =
            new Setup()
                .jvm("-Drelay.reach_off=chunk_end,read_ahead")
                .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
                .start(1)) {
      assertTrue(
          RawClient.ask(replicas.port(0), Ask.stream(Dialect.ANTHROPIC, "anthropic")).whole());
      Await.until("it is told", () -> timesTold("read_ahead", replicas.get(0).log()) == 1);
      String log = replicas.get(0).log();
      assertEquals(0, timesTold("virtual_threads", log), log);
    }
  }
}
