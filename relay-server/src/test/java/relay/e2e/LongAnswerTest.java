package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

/**
 * Answers with a content length, forwarded in parts, while the client has already sent its next
 * request on the connection. Such an answer must be complete with its last byte, however the parts
 * are split.
 */
@Tag("slow")
class LongAnswerTest {
  private static final List<Integer> LENGTHS =
      List.of(64 * 1024 + 1, 81_920, 81_921, 128 * 1024, 200_000);

  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            String text = new String(request.body(), StandardCharsets.UTF_8);
            int at = text.indexOf("length ") + "length ".length();
            int length = Integer.parseInt(text.substring(at, text.indexOf('.', at)));
            connection.write(Says.json(200, "\"" + "a".repeat(length - 2) + "\""));
          });

  LongAnswerTest() throws Exception {}

  @AfterEach
  void close() throws Exception {
    provider.close();
  }

  private static Ask ask(int length) {
    return Ask.of(Dialect.ANTHROPIC, "anthropic")
        .body(
            "{\"model\":\"anthropic\",\"messages\":[{\"role\":\"user\",\"content\":\"length "
                + length
                + ".\"}]}");
  }

  @Test
  void an_answer_in_parts_and_the_next_one_are_complete() throws Exception {
    Setup setup =
        new Setup().provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"));
    try (Replicas replicas = setup.start(1)) {
      for (int length : LENGTHS) {
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(ask(length).bytes());
        both.writeBytes(ask(length + 1).bytes());
        try (RawClient wire = new RawClient(replicas.port(0))) {
          wire.send(both.toByteArray());
          assertEquals(length, wire.answer().body().length);
          assertEquals(length + 1, wire.answer().body().length);
          wire.send(ask(length + 2));
          assertEquals(length + 2, wire.answer().body().length);
        }
      }
    }
  }
}
