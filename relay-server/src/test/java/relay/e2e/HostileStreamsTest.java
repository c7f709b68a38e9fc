package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.model.Dialect;

/**
 * Streams of one HTTP/2 connection whose bodies nobody reads: refused by their heads, or reset.
 * They must not use up the connection's window, nor the buffers that Undertow allows it. The client
 * sends only what the connection's window allows.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileStreamsTest {
  private static final int ROUNDS = 120;
  private static final int PART_BYTES = 8_000;

  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas =
      new Setup()
          .http2()
          .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
          .start(1);
  private int stream = -1;

  HostileStreamsTest() throws Exception {}

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  private static byte[] body(int bytes) {
    return Ask.body("anthropic", "\"x\":\"" + "x".repeat(bytes) + "\",").getBytes(ISO_8859_1);
  }

  private interface Attack {
    void on(RawHttp2Client client, int stream) throws Exception;
  }

  private static Attack whole(Map<String, String> lines) {
    return (client, stream) -> {
      client.head(stream, lines);
      client.data(stream, true, 0, body(PART_BYTES));
    };
  }

  private static final Map<String, String> STRANGER = Map.of("x-api-key", "wrong");

  private static void parts(
      RawHttp2Client client, int stream, Map<String, String> lines, int count, int padding)
      throws Exception {
    client.head(stream, lines);
    byte[] part = Arrays.copyOf(body(PART_BYTES), PART_BYTES);
    for (int n = 0; n < count; n++) {
      client.data(stream, false, padding, part);
    }
  }

  private static final Map<String, Attack> ATTACKS =
      Map.ofEntries(
          Map.entry("refused path", whole(Map.of(":path", "/v1/messages?a b"))),
          Map.entry("unknown path", whole(Map.of(":path", "/nothing"))),
          Map.entry("wrong credential", whole(STRANGER)),
          Map.entry("malformed name", whole(Map.of("", "1"))),
          Map.entry("forbidden by Undertow", whole(Map.of("connection", "x"))),
          Map.entry("too short", whole(Map.of("content-length", "90000"))),
          Map.entry("too long", whole(Map.of("content-length", "5"))),
          Map.entry("large head", whole(Map.of("x-a", "a".repeat(100_000)))),
          Map.entry("too large", whole(Map.of("content-length", "900000000"))),
          Map.entry(
              "a stranger's body without an end",
              (client, stream) -> parts(client, stream, STRANGER, 3, 0)),
          Map.entry(
              "a stranger's body that is reset",
              (client, stream) -> {
                parts(client, stream, STRANGER, 3, 0);
                client.reset(stream);
              }),
          Map.entry(
              "a body that is reset",
              (client, stream) -> {
                parts(client, stream, Map.of(), 3, 0);
                client.reset(stream);
              }),
          Map.entry(
              "a padded body that is reset",
              (client, stream) -> {
                parts(client, stream, Map.of(), 3, 200);
                client.reset(stream);
              }),
          Map.entry(
              "a request that is reset",
              (client, stream) -> {
                client.head(stream, Map.of());
                client.data(stream, true, 0, body(PART_BYTES));
                client.reset(stream);
              }),
          Map.entry(
              "a head that is reset",
              (client, stream) -> {
                client.head(stream, Map.of());
                client.reset(stream);
              }));

  private void isServed(RawHttp2Client client, String after) throws Exception {
    stream += 2;
    client.head(stream, Map.of());
    client.data(stream, true, 0, body(PART_BYTES));
    assertEquals(200, client.status(stream), after);
  }

  private static Attack attack(String name) {
    return Objects.requireNonNull(ATTACKS.get(name));
  }

  private static String[] names() {
    return ATTACKS.keySet().stream().sorted().toArray(String[]::new);
  }

  @ParameterizedTest
  @MethodSource("names")
  void others_are_served_beside_many_of_a_kind(String name) throws Exception {
    stream = -1;
    try (RawHttp2Client client = new RawHttp2Client(replicas.port(0))) {
      for (int n = 0; n < ROUNDS; n++) {
        stream += 2;
        attack(name).on(client, stream);
        if (n % 3 == 0) {
          isServed(client, name + " " + n);
        }
      }
      isServed(client, name);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void others_are_served_beside_all_kinds(long seed) throws Exception {
    Random random = new Random(seed);
    String[] names = names();
    stream = -1;
    try (RawHttp2Client client = new RawHttp2Client(replicas.port(0))) {
      for (int n = 0; n < 3 * ROUNDS; n++) {
        stream += 2;
        String name = names[random.nextInt(names.length)];
        attack(name).on(client, stream);
        if (n % 3 == 0) {
          isServed(client, name + " " + n);
        }
      }
    }
  }
}
