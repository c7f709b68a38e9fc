package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import okhttp3.HttpUrl;
import okhttp3.Request;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.body.Payload;

/** Nothing leaves in a request's head that HTTP forbids there, wherever it comes from. */
class SentLinesTest {
  private static final HttpUrl URL = HttpUrl.get("http://provider.test/v1/messages?a=b");

  private static Request with(String name, String value) {
    UpstreamRequest request = new UpstreamRequest(URL);
    request.header("x-first", "1");
    request.header(name, value);
    request.header("x-last", "2");
    return request.with(Payload.of(new byte[0])).build();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ":", "x:a", "x-a: 1\r\nx-b", "x a", "x\ta", "x(a)", "x\0a", "x\na", "\u00e4"})
  void a_name_that_is_no_token_does_not_leave(String name) {
    assertEquals(List.of("user-agent", "x-first", "x-last"), names(with(name, "a")));
  }

  @Test
  void a_value_with_any_control_character_does_not_leave() {
    for (char c = 0; c < 0xa0; c++) {
      boolean passes = c == '\t' || (c >= ' ' && c != 0x7f);
      Request request = with("x-a", "1" + c + "2");
      assertEquals(passes ? List.of("1" + c + "2") : List.of(), request.headers("x-a"), "0x" + c);
      assertEquals("2", request.header("x-last"));
    }
  }

  @Test
  void text_in_utf_8_leaves() {
    assertEquals("\u00e4\u4e2d\ud83d\ude00", with("x-a", "\u00e4\u4e2d\ud83d\ude00").header("x-a"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "POST /x HTTP/1.1\r\na:", "PO ST", "POST\n", "P\u00f6ST", "POST:"})
  void a_method_that_is_no_token_is_refused(String method) {
    UpstreamRequest request = new UpstreamRequest(URL);
    assertThrows(IllegalArgumentException.class, () -> request.method(method));
  }

  @ParameterizedTest
  @ValueSource(strings = {" ", "\r\n", "\0", "#", "\u00e4", " HTTP/1.1\r\nx: y\r\n\r\n"})
  void path_and_query_are_refused_or_escaped(String text) {
    for (String url : List.of("http://a.test/v1/f" + text, "http://a.test/v1/f?a=" + text)) {
      HttpUrl sent = new UrlCache("").of(url + "z");
      String line = sent.encodedPath() + "?" + sent.encodedQuery();
      assertEquals(-1, line.indexOf(text), line);
      new UpstreamRequest(sent).method("GET");
    }
    assertFalse(SentLines.isOfTarget("a" + text + "b"));
  }

  private static List<String> names(Request request) {
    return request.headers().names().stream().sorted().toList();
  }
}
