package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.stream.IntStream;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.Test;

/**
 * Clients choose the targets: what is kept of them is bounded, and does not depend on who came
 * first.
 */
class UrlCacheTest {
  private final UrlCache urls = new UrlCache("https://provider.test");

  @Test
  void a_short_target_is_parsed_once() {
    HttpUrl url = urls.of("/v1/messages?beta=true");
    assertEquals(URI.create("https://provider.test/v1/messages?beta=true"), url.uri());
    assertSame(url, urls.of("/v1/messages?beta=true"));
  }

  @Test
  void long_targets_are_not_kept() {
    String query = "q".repeat(60_000);
    for (int n = 0; n < 300; n++) {
      HttpUrl url = urls.of("/v1/messages?" + n + query);
      assertEquals(n + query, url.query());
    }
    assertEquals(0, urls.size());
  }

  @Test
  void many_targets_hold_few_bytes_and_keep_no_place_for_good() {
    IntStream.range(0, 30_000).forEach(n -> urls.of("/v1/files/" + "x".repeat(100) + n));
    assertTrue(urls.size() <= UrlCache.MOST, urls.size() + " URLs");
    assertTrue(urls.bytes() <= UrlCache.MOST * UrlCache.MOST_CHARS, urls.bytes() + " bytes");
  }
}
