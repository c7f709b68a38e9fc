package relay.leases;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;
import relay.body.Payload;
import relay.redis.model.Limits;

/** The OpenAPI description of the lease API agrees with the page for users and with the code. */
class LeaseDescriptionTest {
  private static final Path DOCS = Path.of("..", "docs");
  private static final String SCHEMAS = "/components/schemas/";

  private final ObjectMapper mapper = new ObjectMapper();
  private final JsonNode description =
      mapper.valueToTree(
          new Yaml().<Object>load(Files.readString(DOCS.resolve("leases.openapi.yaml"))));
  private final String page = Files.readString(DOCS.resolve("leases.md"));

  LeaseDescriptionTest() throws IOException {}

  private JsonNode schema(String name) {
    JsonNode found = description.at(SCHEMAS + name);
    assertFalse(found.isMissingNode(), name);
    return found;
  }

  private static Set<String> names(JsonNode object) {
    return object.properties().stream()
        .map(Map.Entry::getKey)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> texts(JsonNode list) {
    Set<String> texts = new TreeSet<>();
    list.forEach(one -> texts.add(one.asText()));
    return texts;
  }

  private static Set<String> found(String text, String pattern) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map((MatchResult match) -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void every_reference_resolves() {
    for (JsonNode reference : description.findValues("$ref")) {
      String target = reference.asText();
      assertTrue(target.startsWith("#/"), target);
      assertFalse(description.at(target.substring(1)).isMissingNode(), target);
    }
  }

  @Test
  void the_page_and_the_description_have_the_same_calls() {
    Set<String> described = new TreeSet<>();
    description
        .get("paths")
        .properties()
        .forEach(
            path ->
                names(path.getValue()).stream()
                    .filter(verb -> !verb.equals("parameters"))
                    .forEach(verb -> described.add(verb + " " + path.getKey())));
    Set<String> told =
        found(page, "(?m)^\\| `((?:POST|DELETE) [^`]+)`").stream()
            .map(call -> call.replace("{id}", "{lease}"))
            .map(call -> call.replace("POST ", "post ").replace("DELETE ", "delete "))
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(6, told.size());
    assertEquals(told, described);
  }

  @Test
  void each_call_has_a_schema_for_each_answer() {
    for (JsonNode responses : description.get("paths").findValues("responses")) {
      responses
          .properties()
          .forEach(
              each -> {
                JsonNode answer = each.getValue();
                JsonNode whole =
                    answer.has("$ref")
                        ? description.at(answer.get("$ref").asText().substring(1))
                        : answer;
                assertFalse(whole.at("/description").asText().isEmpty(), each.getKey());
                assertTrue(
                    whole.at("/content/application~1json/schema").has("$ref"), each.getKey());
              });
    }
  }

  @Test
  void the_example_has_the_members_of_an_answer() throws IOException {
    String example = found(page, "(?s)```json\\n(.*?)```").iterator().next();
    JsonNode lease = mapper.readTree(example);
    assertEquals(texts(schema("Lease").get("required")), names(lease));
    assertEquals(names(schema("Lease").get("properties")), names(lease));
  }

  @Test
  void the_page_names_all_that_a_call_may_say() {
    for (String call : Set.of("Acquire", "Progress", "Settle", "Refused", "Observed")) {
      for (String member : names(schema(call).get("properties"))) {
        assertTrue(page.contains(member), call + "." + member);
      }
    }
  }

  @Test
  void the_bounds_are_those_of_the_code() {
    JsonNode acquire = schema("Acquire").get("properties");
    assertEquals(LeaseCall.LEAST_TTL_MS, acquire.at("/ttl_ms/minimum").asLong());
    assertEquals(LeaseCall.MOST_TTL_MS, acquire.at("/ttl_ms/maximum").asLong());
    assertEquals(LeaseCall.MOST_REQUESTS, acquire.at("/requests/maximum").asLong());
    assertEquals(LeaseCall.MOST_LETTERS, acquire.at("/model/maxLength").asLong());
    assertEquals(Limits.MAX, schema("Tokens").get("maximum").asLong());
  }

  /** A call with one member at a time: the reader and the description refuse the same. */
  @Test
  void what_the_description_forbids_is_refused() throws Exception {
    JsonNode acquire = schema("Acquire").get("properties");
    for (Map.Entry<String, JsonNode> member : acquire.properties()) {
      JsonNode form = member.getValue();
      JsonNode whole =
          form.has("$ref") ? description.at(form.get("$ref").asText().substring(1)) : form;
      for (String bound : Set.of("minimum", "maximum")) {
        if (whole.has(bound)) {
          long value = whole.get(bound).asLong();
          long beyond = bound.equals("minimum") ? value - 1 : value + 1;
          assertTrue(isRead(member.getKey(), value), member.getKey());
          assertFalse(isRead(member.getKey(), beyond), member.getKey());
        }
      }
    }
  }

  private static boolean isRead(String member, long value) {
    String other = member.equals("input_tokens") ? "input_bytes" : "input_tokens";
    String json = "{\"model\":\"m\",\"%s\":1,\"%s\":%d}".formatted(other, member, value);
    try {
      LeaseCall.of(CallBody.of(Payload.of(json.getBytes(UTF_8))), "client");
      return true;
    } catch (BadCallException e) {
      return false;
    }
  }
}
