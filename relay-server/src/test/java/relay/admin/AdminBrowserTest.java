package relay.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import relay.admin.RawHttp.Answer;
import relay.config.Config;
import relay.pool.Configs;

/** The page with a token: a browser can send it only as a password. */
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class AdminBrowserTest {
  private static final Config CONFIG =
      Configs.of(
          "server: { admin_listen: \"0.0.0.0:0\", admin_token: \"t0k:en\" }\n" + Configs.POOLS);

  @AutoClose private final ServedPools served = ServedPools.of(CONFIG);
  @AutoClose private final AdminServer server = served.serve();
  private final RawHttp http = new RawHttp(server.port());

  AdminBrowserTest() throws Exception {}

  @Test
  void a_browser_is_asked_for_a_password() throws Exception {
    Answer asked = http.send("GET", "/", "", "Accept", "text/html,application/xml;q=0.9,*/*;q=0.8");
    assertEquals(401, asked.status());
    assertEquals("Basic realm=\"Relay\"", asked.header("www-authenticate"));
    assertEquals("Bearer", http.send("GET", "/", "", "Accept", "*/*").header("www-authenticate"));
  }

  @Test
  void the_token_is_the_password_with_any_user_name() throws Exception {
    for (String right : List.of("anybody:t0k:en", ":t0k:en")) {
      Answer page = http.send("GET", "/", "", "Authorization", basic(right));
      assertEquals(200, page.status(), right);
      assertTrue(page.body().contains("<h1>Relay</h1>"), page.body());
    }
    for (String wrong : List.of("t0k:en", "t0k:en:", "anybody:", "anybody:t0k", "")) {
      assertEquals(401, http.send("GET", "/", "", "Authorization", basic(wrong)).status(), wrong);
    }
    for (String broken : List.of("Basic", "Basic ", "Basic !!!", "Basic t0k:en")) {
      assertEquals(401, http.send("GET", "/", "", "Authorization", broken).status(), broken);
    }
  }

  /** A browser sends the password with a foreign page's posts, too. */
  @Test
  void a_foreign_page_cannot_use_the_password() throws Exception {
    String restore = "/pools/anthropic/keys/acme-1/restore";
    String password = basic("a:t0k:en");
    assertEquals(200, http.send("POST", restore, "", "Authorization", password).status());
    for (List<String> foreign :
        List.of(
            List.of("Origin", "http://evil.example"), List.of("Sec-Fetch-Site", "cross-site"))) {
      assertEquals(
          403,
          http.send(
                  "POST",
                  restore,
                  "",
                  "Authorization",
                  password,
                  foreign.getFirst(),
                  foreign.getLast())
              .status());
    }
  }

  private static String basic(String nameAndPassword) {
    byte[] bytes = nameAndPassword.getBytes(StandardCharsets.UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(bytes);
  }
}
