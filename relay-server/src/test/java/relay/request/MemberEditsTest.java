package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.guards.Allocation;

/** Removes and adds members of a body. */
class MemberEditsTest {
  private static final Map<String, String> VERSION = Map.of("anthropic_version", "\"v\"");

  private static String edit(String body, Set<String> without, Map<String, String> with) {
    byte[] bytes = body.getBytes(UTF_8);
    assertInstanceOf(RequestFacts.class, RequestScanner.scan(bytes, bytes.length), body);
    return new String(MemberEdits.edit(bytes, without, with), UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"model":"m"}|{"anthropic_version":"v"}
          {"model":"m","a":1}|{"a":1,"anthropic_version":"v"}
          {"a":1,"model":"m"}|{"a":1,"anthropic_version":"v"}
          ` { "a" : [ 1 , {"model":"x"} ] , "model" : "m" , "b" : 2.5e3 } `|`{"a" : [ 1 , {"model":"x"} ],"b" : 2.5e3,"anthropic_version":"v"}`
          {"mod\\u0065l":"m","a":"}\\",{"}|{"a":"}\\",{","anthropic_version":"v"}
          {"model":"m","stream":true,"a":null}|{"a":null,"anthropic_version":"v"}
          {"a":1 , "b":2,"model":"m", "c":3 , "d":4}|{"a":1 , "b":2,"c":3 , "d":4,"anthropic_version":"v"}
          {"anthropic_version":"theirs","model":"m"}|{"anthropic_version":"theirs"}
          """)
  void only_the_named_members_change(String body, String expected) {
    assertEquals(expected, edit(body, Set.of("model", "stream"), VERSION));
  }

  @Test
  void removing_all_members_leaves_an_empty_object() {
    assertEquals("{}", edit("{\"model\":\"m\"}", Set.of("model"), Map.of()));
  }

  @Test
  void several_members_are_added_in_order() {
    Map<String, String> with = new LinkedHashMap<>();
    with.put("b", "[\"x\"]");
    with.put("a", "1");
    assertEquals(
        "{\"model\":\"m\",\"b\":[\"x\"],\"a\":1}", edit("{\"model\":\"m\"}", Set.of(), with));
  }

  @Test
  void the_result_equals_that_of_a_tree() throws Exception {
    ObjectMapper json = new ObjectMapper();
    String[] values = {
      "1", "-0.5E-2", "true", "null", "\"\\\\\\\"\"", "[]", "{}", "[[{\"model\":[]}],\"]\"]"
    };
    for (String first : values) {
      for (String second : values) {
        String body =
            "{\"a\":%s , \"model\":\"m\",\n\"stream\":false,\"b\" :%s\t}".formatted(first, second);
        ObjectNode tree = (ObjectNode) json.readTree(body);
        tree.remove(Set.of("model", "stream"));
        tree.put("anthropic_version", "v");
        assertEquals(tree, json.readTree(edit(body, Set.of("model", "stream"), VERSION)), body);
      }
    }
  }

  @Test
  void the_result_is_the_only_large_array() {
    byte[] body =
        ("{\"a\":\"" + "x".repeat(100_000) + "\", \"model\":\"m\", \"b\":1 , \"c\":2}")
            .getBytes(UTF_8);
    double bytes = Allocation.bytesPerCall(() -> MemberEdits.edit(body, Set.of("model"), VERSION));
    assertTrue(bytes < 1.1 * body.length, bytes + " bytes");
  }
}
