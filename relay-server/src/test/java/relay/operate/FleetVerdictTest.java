package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class FleetVerdictTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static FleetVerdict of(String json) throws IOException {
    return FleetVerdict.of(JSON.readTree(json.replace('\'', '"')));
  }

  private static FleetVerdict ofPool(String settings) throws IOException {
    return of("{'pools':[{'name':'p',%s}]}".formatted(settings));
  }

  @Test
  void a_pool_that_works_is_a_line() throws IOException {
    FleetVerdict verdict =
        ofPool(
            "'next_capacity_ms':0,'breaker':{'state':'closed'},'warnings':[],'groups':["
                + "{'id':'a/default','limits':{'rpm':50,'itpm':null},'used':{'rpm':12,'itpm':9}},"
                + "{'id':'b/default','limits':{'rpm':50,'itpm':100},'used':{'rpm':12,'itpm':99}}],"
                + "'keys':[{'id':'a','status':'active'},{'id':'b','status':'cooling'},"
                + "{'id':'c','status':'active'}]");
    assertTrue(verdict.isHealthy());
    assertEquals(
        "healthy\n\np: capacity now; keys: 2 active, 1 cooling; fullest limit: itpm of b/default,"
            + " 99 %\n",
        verdict.text());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          'age_ms':3000,'mode':'fair_share'                            | pool p: Redis has not answered for 3 s; fair_share decides
          'breaker':{'state':'open','next_try_ms':2000}                | pool p: the provider fails, so its breaker is open; next try in 2 s
          'keys':[{'id':'a','status':'quarantined','reason':'401'},{}] | pool p: 1 of 2 keys is quarantined: a (401)
          'warnings':[{'code':'one_organization','accounts':['a','b']}] | pool p: accounts a, b are one organisation by the provider's answers; give them one `account`
          """)
  void what_is_wrong_is_told(String settings, String problem) throws IOException {
    FleetVerdict verdict = ofPool(settings);
    assertEquals(List.of(problem), verdict.problems());
    assertTrue(verdict.text().startsWith("1 problem\n  " + problem + "\n"), verdict.text());
  }

  @Test
  void a_refused_config_comes_first() throws IOException {
    FleetVerdict verdict =
        of("{'config':{'refused':['relay.yaml:1:1: x']},'pools':[{'name':'p','age_ms':5}]}");
    assertEquals(2, verdict.problems().size());
    assertTrue(verdict.problems().getFirst().endsWith("runs: relay.yaml:1:1: x"));
  }

  @Test
  void many_keys_are_not_all_named() throws IOException {
    String key = "{'id':'a','status':'quarantined','reason':null},";
    FleetVerdict verdict = ofPool("'keys':[" + key.repeat(7) + "{'id':'z','status':'active'}]");
    assertEquals(
        List.of("pool p: 7 of 8 keys are quarantined: a, a, a, a, a and 2 more"),
        verdict.problems());
  }

  @Test
  void each_replica_is_a_line() throws IOException {
    String one =
        "{'id':'r1','name':'pod-1','version':'1.0','started':'2026-12-02T09:00:00Z',"
            + "'mode':'fair_share','requests_per_second':1.5,'refused_per_second':0.0,"
            + "'failed_per_second':0.1,'in_flight':2}";
    FleetVerdict verdict =
        of("{'pools':[],'replicas':[%s,{'id':'r2','name':null}]}".formatted(one));
    assertEquals(
        """
        healthy


        replica pod-1: 1.0, since 2026-12-02T09:00:00Z, fair share; a second: 1.5 requests, 0.0 refused, 0.1 failed; 2 under way
        replica r2: -
        """,
        verdict.text());
    FleetVerdict many =
        of("{'pools':[],'replicas':[%s{'id':'z'}]}".formatted((one + ",").repeat(24)));
    assertEquals(21, many.replicas().size());
    assertEquals("and 5 more replicas", many.replicas().getLast());
  }

  @Test
  void the_same_as_json() throws IOException {
    assertEquals(
        "{\"healthy\":false,\"problems\":[\"pool p: Redis has not answered for 3 s; open"
            + " decides\"],\"pools\":[\"p: no key can be used; keys: 1"
            + " active\"],\"replicas\":[]}\n",
        ofPool(
                "'age_ms':3000,'mode':'open','next_capacity_ms':null,"
                    + "'keys':[{'id':'a','status':'active'}]")
            .json());
  }
}
