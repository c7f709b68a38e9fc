package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import okhttp3.HttpUrl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExactUrlTest {
  private static final String BASE = "https://api.test:8443/v1/files";

  @ParameterizedTest
  @ValueSource(strings = {"", "q='a'", "a=b&c", "&&=", "a=%27%2f%2F", "?a", "a+b=c;d,[e]", "a=b=c"})
  void a_query_is_kept_byte_for_byte(String query) {
    HttpUrl url = ExactUrl.of(BASE + "?" + query);
    assertEquals(query, url.encodedQuery());
    assertEquals(BASE + "?" + query, url.toString());
    assertEquals("/v1/files", url.encodedPath());
  }

  @Test
  void a_url_without_a_query_has_none() {
    assertNull(ExactUrl.of(BASE).encodedQuery());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a b", "a\u00e4", "a\nb"})
  void what_no_request_line_may_hold_is_encoded(String query) {
    HttpUrl url = ExactUrl.of(BASE + "?" + query);
    assertEquals(url.encodedQuery(), HttpUrl.get(BASE + "?" + query).encodedQuery());
  }
}
