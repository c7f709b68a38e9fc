package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.Random;
import org.junit.jupiter.api.Test;
import relay.guards.Allocation;
import relay.guards.CostBound;

/** The scan allocates only the model's name and the facts, whatever the body's length. */
class RequestScanCostTest {
  private static final byte[] SMALL = body(2_048);
  private static final byte[] LARGE = body(51_200);

  @Test
  void the_allocation_of_a_scan_is_small_and_independent_of_the_length() {
    CostBound.SCAN_2_KB.hold(scan(SMALL));
    CostBound.SCAN_50_KB.hold(scan(LARGE));
  }

  @Test
  void the_same_holds_for_a_scan_with_session() {
    CostBound.SCAN_WITH_SESSION_2_KB.hold(scanWithSession(SMALL));
    CostBound.SCAN_WITH_SESSION_50_KB.hold(scanWithSession(LARGE));
  }

  private static double scan(byte[] body) {
    return Allocation.bytesPerCall(
        () -> assertInstanceOf(RequestFacts.class, RequestScanner.scan(body, body.length)));
  }

  private static double scanWithSession(byte[] body) {
    return Allocation.bytesPerCall(
        () ->
            assertInstanceOf(
                RequestFacts.class, RequestScanner.scanWithSession(body, body.length)));
  }

  /** A conversation with texts, a tool call and its result, escapes, and non-ASCII words. */
  private static byte[] body(int bytes) {
    Random random = new Random(5);
    StringBuilder body =
        new StringBuilder(
            """
            {"model":"claude-sonnet-4-5","max_tokens":1024,"stream":true,\
            "system":[{"type":"text","text":"You help with a program."}],"messages":[\
            """);
    for (int turn = 0; body.length() < bytes; turn++) {
      String role = turn % 2 == 0 ? "user" : "assistant";
      body.append(turn == 0 ? "" : ",")
          .append("{\"role\":\"" + role + "\",\"content\":[{\"type\":\"text\",\"text\":\"");
      for (int word = random.nextInt(20, 60); word > 0; word--) {
        body.append(random.nextInt(8) == 0 ? "größer\\n" : "if (x \\\"y\\\") ");
      }
      body.append(
          turn % 2 == 0
              ? "\"}]}"
              : "\"},{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"read\","
                  + "\"input\":{\"path\":\"/a/b\",\"lines\":[1,20]}}]}");
    }
    return body.append("]}").toString().getBytes(UTF_8);
  }
}
