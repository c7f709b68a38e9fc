package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.pool.PoolJson;

/** The page, rendered from its JSON. */
class PoolPageTest {
  private static final String POOL =
      """
      {"name":"anthropic","breaker":{"state":"closed","next_try_ms":0},"groups":[
      {"id":"acme/opus","limits":{"rpm":50,"itpm":40000,"otpm":null,"tpm":null},"learned":{"itpm":40000},
       "used":{"rpm":12,"itpm":7,"otpm":3,"tpm":10},"burst":0.25,"in_flight":2,"cooldown_ms":1500}],
      "keys":[{"id":"acme-1","account":"acme","status":"quarantined","reason":"<b>\\"401\\"</b> & more",
       "cooldown_ms":0,"in_flight":2}]}
      """;

  private static String page(String pool) throws Exception {
    AdminReply reply =
        PoolPage.of(
            new PoolJson.Configuration("0123456789ab", null, List.of()),
            List.of((ObjectNode) new ObjectMapper().readTree(pool)));
    assertEquals(200, reply.status());
    return reply.body();
  }

  @Test
  void groups_and_keys_are_rows() throws Exception {
    String page = page(POOL);
    assertTrue(
        page.contains(
            "<tr><td>acme/opus<td>12 / 50<td>7 / 40000*<td>3 / -<td>10 / -<td>25 %<td>2<td>1500"),
        page);
    assertTrue(page.contains("* according to the provider's response headers"), page);
    assertTrue(page.contains("<span class=\"quarantined\">quarantined</span><td>2<td>0"), page);
  }

  @Test
  void foreign_text_is_escaped() throws Exception {
    String page = page(POOL);
    assertTrue(page.contains("&lt;b>&quot;401&quot;&lt;/b> &amp; more"), page);
  }

  @ParameterizedTest
  @CsvSource({
    "closed, 'closed</span></p>'",
    "open, 'open</span>: the provider fails; a request may try it in 1200 ms</p>'",
    "half_open, 'half open</span>: one request tries the provider; another may in 1200 ms</p>'",
  })
  void the_breakers_state_is_shown(String state, String words) throws Exception {
    String page =
        page(
            POOL.replace("\"closed\",\"next_try_ms\":0", "\"" + state + "\",\"next_try_ms\":1200"));
    assertTrue(page.contains("<p>breaker <span class=\"" + state + "\">" + words), page);
  }
}
