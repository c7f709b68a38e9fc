package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class StateIdsTest {

  private static List<String> ids(String json) {
    byte[] bytes = json.getBytes(UTF_8);
    List<String> whole = StateIds.in(bytes, bytes.length);
    for (int cut = 1; cut < bytes.length; cut++) {
      StateIds parts = new StateIds();
      parts.feed(bytes, 0, cut);
      parts.feed(bytes, cut, bytes.length - cut);
      assertEquals(whole, parts.ids(), "cut at " + cut);
    }
    return whole;
  }

  @Test
  void values_of_an_ids_form_are_found_the_last_one_first() {
    assertEquals(
        List.of("file-abc123", "conv_68af", "resp_1abc"),
        ids(
            "{\"previous_response_id\": \"resp_1abc\","
                + " \"conversation\":{\"id\":\"conv_68af\"},\"input\":[{\"file_id\":\"file-abc123\"},{\"text\":\"resp_"
                + " or file- or a file\"},\"rs_12ab\",\"file_\"]}"));
  }

  @Test
  void names_are_no_ids_and_quotes_in_text_do_not_mislead() {
    assertEquals(
        List.of(),
        ids("{\"file_names\":1,\"a\":\"\\\"resp_1abc\\\"\",\"b\":\"\\\\\",\"resp_2bcd\":2}"));
  }

  @Test
  void encrypted_content_counts_by_its_beginning() {
    String text = "gAAAA/" + "x".repeat(150);
    String json = "{\"type\":\"reasoning\",\"encrypted_content\":\"%s\",\"id\":\"rs_1\"}";
    List<String> one = ids(json.formatted(text + "abcdefgh"));
    assertEquals(List.of("encrypted " + text + "abcd"), one);
    assertEquals(one, ids(json.formatted(text.replace("/", "\\/") + "abcd, and more")));
    assertEquals(List.of(), ids("{\"encrypted_content\":null,\"text\":\"gAAAA\"}"));
  }

  @Test
  void a_stream_of_events_has_them_too() {
    assertEquals(
        List.of("resp_9zz"),
        ids(
            "event: response.created\n"
                + "data: {\"response\":{\"id\":\"resp_9zz\"}}\n\n"
                + "data: [DONE]\n\n"));
  }

  @Test
  void a_bounded_number_is_kept() {
    StringBuilder json = new StringBuilder("[");
    IntStream.range(0, 100).forEach(n -> json.append("\"file_n").append(n).append("\","));
    byte[] bytes = json.append("1]").toString().getBytes(UTF_8);
    List<String> ids = StateIds.in(bytes, bytes.length);
    assertEquals(16, ids.size());
    assertEquals("file_n99", ids.getFirst());
  }

  @Test
  void a_path_names_them() {
    assertEquals(List.of("file_abc"), StateIds.inPath("/v1/files/file_abc/content"));
    assertEquals(List.of(), StateIds.inPath("/v1/files"));
  }
}
