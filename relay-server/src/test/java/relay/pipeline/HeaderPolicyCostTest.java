package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import relay.config.ClientHeaders;
import relay.guards.Allocation;
import relay.guards.CostBound;
import relay.model.HeaderLines;

/** Cost of the header policy, in both directions. */
class HeaderPolicyCostTest {
  private static final HeaderLines OF_A_CLIENT =
      new HeaderLines()
          .add("host", "127.0.0.1:8787")
          .add("connection", "keep-alive")
          .add("content-type", "application/json")
          .add("content-length", "2048")
          .add("accept", "application/json")
          .add("accept-encoding", "gzip, deflate, br, zstd")
          .add("user-agent", "Anthropic/Python 0.75.0")
          .add("anthropic-version", "2023-06-01")
          .add("anthropic-beta", "a,b")
          .add("x-api-key", "sk-x")
          .add("x-stainless-lang", "python")
          .add("x-stainless-retry-count", "0");

  private static final HeaderLines OF_A_PROVIDER =
      new HeaderLines()
          .add("content-type", "application/json")
          .add("content-length", "1024")
          .add("request-id", "req_1")
          .add("anthropic-ratelimit-requests-limit", "50")
          .add("anthropic-ratelimit-requests-remaining", "49")
          .add("connection", "keep-alive");

  private int passed;

  @Test
  void the_clients_lines_are_sorted_with_few_allocations() {
    CostBound.HEADERS_TO_THE_PROVIDER.hold(Allocation.bytesPerCall(this::toProvider));
    assertEquals(7, passed);
  }

  @Test
  void the_providers_lines_are_sorted_with_few_allocations() {
    CostBound.HEADERS_TO_THE_CLIENT.hold(Allocation.bytesPerCall(this::toClient));
    assertEquals(2, passed);
  }

  private void toProvider() {
    passed = 0;
    Set<String> hops = HeaderPolicy.connectionNames(List.of("keep-alive"));
    OF_A_CLIENT.forEach(
        (name, value) -> passed += passes(name.toLowerCase(Locale.ROOT), hops) ? 1 : 0);
    assertEquals(
        "gzip, deflate", HeaderPolicy.acceptEncoding(OF_A_CLIENT.first("accept-encoding")));
  }

  private static boolean passes(String name, Set<String> hops) {
    return ClientHeaders.NONE.pass(name) && !hops.contains(name);
  }

  private void toClient() {
    passed = 0;
    Set<String> hops = HeaderPolicy.connectionNames(List.of("keep-alive"));
    OF_A_PROVIDER.forEach(
        (name, value) ->
            passed += HeaderPolicy.passesDownstream(name.toLowerCase(Locale.ROOT), hops) ? 1 : 0);
  }
}
