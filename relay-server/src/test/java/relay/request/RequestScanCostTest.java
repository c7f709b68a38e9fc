package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.Random;
import org.junit.jupiter.api.Test;
import relay.guards.Allocation;
import relay.guards.CostBound;

/** The scan makes the model's name and the facts, however long the body is. */
class RequestScanCostTest {
  private static final byte[] SMALL = body(2_048);
  private static final byte[] LARGE = body(51_200);

  @Test
  void a_scan_allocates_little_and_no_more_for_a_longer_body() {
    CostBound.SCAN_2_KB.hold(scan(SMALL));
    CostBound.SCAN_50_KB.hold(scan(LARGE));
  }

  @Test
  void a_scan_for_the_session_likewise() {
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

  /** A conversation: texts, a tool's call and what it gave, escapes, words beyond ASCII. */
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
