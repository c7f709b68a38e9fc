package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What {@code relay describe} prints. */
final class KeyDescriptionTest {
  private static final String POOL =
      """
      {'name':'anthropic','strategy':'least_loaded','groups':[
       {'id':'acme/opus','account':'acme','model_class':'opus','cooldown_ms':0,
        'limits':{'rpm':50,'itpm':30000,'tpm':null},'used':{'rpm':50,'itpm':8100,'tpm':9000},
        'rule':'sliding_window','why':'it is stated'},
       {'id':'b/opus','account':'b','model_class':'opus','cooldown_ms':9,'limits':{},'used':{}}],
       'keys':[
       {'id':'acme-1','account':'acme','status':'active','reason':null,'cooldown_ms':0,'in_flight':3,
        'max_concurrent':4,'priority':1,'weight':2},
       {'id':'acme-2','account':'acme','status':'active','reason':null,'cooldown_ms':0,'in_flight':0,
        'max_concurrent':0,'priority':1,'weight':1},
       {'id':'b-1','account':'b','status':'quarantined','reason':'REASON','cooldown_ms':0,'in_flight':0,
        'max_concurrent':0,'priority':1,'weight':1,'since':'2026-12-01T10:00:00Z'MORE}]}
      """;

  private static String described(int key, String reason, String more) throws IOException {
    String json = POOL.replace("REASON", reason).replace("MORE", more).replace('\'', '"');
    JsonNode pool = new ObjectMapper().readTree(json);
    return KeyDescription.of(pool, pool.get("keys").get(key));
  }

  /** Says when a quarantined key is probed, or what else ends its quarantine. */
  private static String next(String reason, String more) throws IOException {
    return described(2, reason, more)
        .lines()
        .filter(line -> line.startsWith("next "))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void a_key_in_use_is_shown_with_its_accounts_limits() throws IOException {
    assertEquals(
        """
        key         acme-1 of pool anthropic
        status      active
        next        gets requests
        in flight   3 of 4 at once
        order       priority 1, weight 2, strategy least_loaded
        account     acme, which shares its limits with acme-2
        opus        rpm 50 of 50 (100 %), itpm 8100 of 30000 (27 %); sliding_window, since it is stated
        """,
        described(0, "", ""));
  }

  @Test
  void a_key_out_of_use_says_why_and_what_ends_it() throws IOException {
    assertEquals(
        """
        key         b-1 of pool anthropic
        status      quarantined: provider answered 401
        since       2026-12-01T10:00:00Z
        next        Relay probes it in 4 s, after 2 tries, and uses it again when the provider accepts it; or `relay restore anthropic b-1`
        in flight   0
        order       priority 1, weight 1, strategy least_loaded
        account     b
        opus        no limits are known; the provider refused: cools for 9 ms
        """,
        described(2, "provider answered 401", ",'probes':2,'next_probe_ms':4000"));
  }

  @Test
  void what_ends_a_quarantine_depends_on_its_reason() throws IOException {
    assertEquals(
        "next        Relay probes it at times, and uses it again when the provider accepts it; or"
            + " `relay restore anthropic b-1`",
        next("provider answered 403", ""));
    assertEquals(
        "next        Relay lets a request try it in 1 m, after 1 try; or `relay restore anthropic"
            + " b-1`",
        next("spend_limit", ",'probes':1,'next_probe_ms':60000"));
    assertEquals(
        "next        used again at 2027-01-01T00:00:00Z; or `relay restore anthropic b-1`",
        next("spend limit reached until 2027-01-01T00:00:00Z", ""));
    assertEquals(
        "next        used again when an operator restores it: `relay restore anthropic b-1`",
        next("operator: provider answered 401", ""));
  }
}
