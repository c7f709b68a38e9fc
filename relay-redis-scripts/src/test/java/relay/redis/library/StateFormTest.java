package relay.redis.library;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import relay.redis.script.RedisKeys;

/** A changed record needs another number of the state's form, or two versions would misread it. */
final class StateFormTest {
  private static final Path SCRIPTS = Path.of("src/main/resources/relay/redis");

  /** What says how a record is packed: the formats, and the declared places of numbers in it. */
  private static final Pattern PACKED =
      Pattern.compile("'<[a-zA-Z0-9]+'|^local [A-Z][A-Z_0-9, ]* =\\s*[0-9, ]+", Pattern.MULTILINE);

  private static final List<String> STORED =
      List.of(
          "state/pool",
          "state/pool_key",
          "state/quota_group",
          "state/ring",
          "state/lease",
          "limits/days",
          "queue/queue",
          "limits/expected");

  private static String records() throws IOException {
    StringBuilder all = new StringBuilder();
    for (String module : STORED) {
      String lua = Files.readString(SCRIPTS.resolve(module + ".lua"));
      try (Stream<MatchResult> found = PACKED.matcher(lua).results()) {
        all.append(module)
            .append(found.map(MatchResult::group).collect(Collectors.joining(";", " ", "\n")));
      }
    }
    return all.toString();
  }

  @Test
  void the_records_are_those_of_this_form() throws IOException {
    String digest = Digests.hex("SHA-256", records()).substring(0, 12);
    assertEquals(
        "4 0828f435a664",
        RedisKeys.FORM + " " + digest,
        "A record has changed. If a release has the form's number, raise RedisKeys.FORM."
            + " Then write the new values here.");
  }
}
