package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import relay.Seeds;

class RequestFuzzTest {
  private static final String LIKELY = "{}[]\",:\\u0e-+.tfn \u0001\t";
  private static final String REAL =
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":1024,\"stream\":true,\"system\":[{\"type\":\"text\",\"text\":\"You"
          + " are\\u00e9 é 😀\",\"cache_control\":{\"type\":\"ephemeral\"}}],"
          + "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":"
          + "\"base64\",\"data\":\"iVBORw0KGgo=\"}},{\"type\":\"text\",\"text\":\"Hi\"}]}],"
          + "\"stream_options\":{\"include_usage\":false},\"temperature\":1.0e0}";

  private final Seeds seeds = new Seeds();

  private byte[] body(Random random) {
    byte[] whole = random.nextBoolean() ? REAL.getBytes(UTF_8) : new RandomJson(random).request();
    return random.nextInt(8) == 0 ? whole : Seeds.mutated(whole, random, LIKELY);
  }

  @Test
  void scanning_any_body_and_editing_accepted_ones_never_throws() {
    for (int n = 0; n < seeds.tries(20_000); n++) {
      byte[] body = body(seeds.random(n));
      try {
        if (RequestScanner.scan(body, body.length) instanceof RequestFacts facts) {
          byte[] edited = RequestEdits.edit(body, facts, "other", true);
          RequestScan again = RequestScanner.scan(edited, edited.length);
          RequestFacts now = assertInstanceOf(RequestFacts.class, again, seeds.replay(n));
          assertEquals("other", now.model(), seeds.replay(n));
        }
      } catch (RuntimeException e) {
        throw new AssertionError(seeds.replay(n), e);
      }
    }
  }

  /** A truncated body must never be accepted. */
  @Test
  void every_proper_prefix_of_a_body_is_refused() {
    for (int n = 0; n < seeds.tries(30); n++) {
      byte[] body = n % 2 == 0 ? REAL.getBytes(UTF_8) : new RandomJson(seeds.random(n)).request();
      int end = body.length;
      while (body[end - 1] != '}') {
        end--;
      }
      for (int length = 0; length < end; length++) {
        byte[] cut = Arrays.copyOf(body, length);
        assertInstanceOf(BadRequest.class, RequestScanner.scan(cut, length), seeds.replay(n));
      }
    }
  }
}
