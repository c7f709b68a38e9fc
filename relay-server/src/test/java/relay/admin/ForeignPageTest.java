package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.admin.RawHttp.Answer;
import relay.pool.Configs;

/** What a page of another site in an operator's browser may read, or keep from others. */
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class ForeignPageTest {
  @AutoClose private final ServedPools served = ServedPools.of(Configs.of(Configs.POOLS));
  @AutoClose private final AdminServer server = served.serve();
  private final RawHttp http = new RawHttp(server.port());

  ForeignPageTest() throws Exception {}

  @ParameterizedTest
  @CsvSource({
    "/dashboard/events, cross-site, empty, 403",
    "/dashboard/events, same-site, document, 403",
    "/dashboard/events, cross-site, document, 403",
    "/pools, cross-site, image, 403",
    "/clients, cross-site, iframe, 403",
    "/, cross-site, document, 200",
    "/pools, same-origin, empty, 200",
    "/pools, none, document, 200",
  })
  void a_page_of_another_origin_may_only_link(String path, String site, String dest, int status)
      throws Exception {
    Answer answer = http.send("GET", path, "", "Sec-Fetch-Site", site, "Sec-Fetch-Dest", dest);
    assertEquals(status, answer.status());
  }

  @Test
  void a_page_whose_browser_tells_the_origin_alone_gets_no_feed() throws Exception {
    assertEquals(
        403, http.send("GET", "/dashboard/events", "", "Origin", "http://evil.example").status());
  }
}
