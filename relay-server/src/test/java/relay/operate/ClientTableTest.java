package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class ClientTableTest {
  private static final TerminalFeatures PLAIN = TerminalFeatures.file(true);

  private static String table(String clients) throws Exception {
    return new ClientTable(PLAIN).of(new ObjectMapper().readTree(clients));
  }

  @Test
  void limits_stand_beside_the_use() throws Exception {
    assertEquals(
        """
          client  rpm  itpm       otpm  tpm   in flight  room
          team    2/5  1200/9000  30    1230  1/4        in 1.5 s
          agents  7    0          0     0     0          now
        """,
        table(
            """
            {"clients":[
             {"name":"team","limits":{"rpm":5,"itpm":9000,"otpm":null,"tpm":null,"max_concurrent":4},
              "used":{"rpm":2,"itpm":1200,"otpm":30,"tpm":1230},"in_flight":1,"cooldown_ms":0,
              "next_capacity_ms":1500},
             {"name":"agents","limits":null,"used":{"rpm":7,"itpm":0,"otpm":0,"tpm":0},"in_flight":0,
              "cooldown_ms":0,"next_capacity_ms":0}]}
            """));
  }

  @Test
  void priority_share_and_budgets_have_columns_where_there_are_any() throws Exception {
    assertEquals(
        """
          client  rpm  itpm  otpm  tpm  in flight  room  priority  share  of its share  waiting  budgets
          team    0    0     0     0    0          now   batch     25 %   98 %          3        60 % of 2000 tokens a day, 1 % of 500 usd a month
        """,
        table(
            """
            {"clients":[{"name":"team","priority":"batch","share":0.25,"share_ratio":0.98,"waiting":3,"budgets":[
             {"tokens":2000,"used":1200,"per":"day"},{"usd":500,"used":5.0,"per":"month"}]}]}
            """));
  }

  @Test
  void the_age_of_what_is_shown_is_told() throws Exception {
    assertEquals(
        """
          client  rpm  itpm  otpm  tpm  in flight  room
          team    0    0     0     0    0          now
        as of 42.5 s ago
        """,
        table("{\"age_ms\":42500,\"clients\":[{\"name\":\"team\",\"share\":1.0}]}"));
  }

  @Test
  void nobody_is_told_so() throws Exception {
    assertEquals(
        "No client is configured: nobody needs a credential.\n", table("{\"clients\":[]}"));
  }
}
