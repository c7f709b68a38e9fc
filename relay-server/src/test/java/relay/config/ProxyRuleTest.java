package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProxyRuleTest {
  private static final String PROVIDER =
      "providers: [{name: a, type: openai, %s keys: [{key: k}]}]";

  private static ProxyRule rule(Map<String, String> environment, String setting) {
    return Given.valid(PROVIDER.formatted(setting), environment)
        .providers()
        .getFirst()
        .access()
        .proxy();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                     | api.test      |  443 | true
          *                      | api.test      |  443 | false
          test                   | api.test      |  443 | false
          api.test               | api.test      |  443 | false
          API.test               | Api.Test.     |  443 | false
          .test                  | api.test      |  443 | false
          *.test                 | api.test      |  443 | false
          pi.test                | api.test      |  443 | true
          a.api.test             | api.test      |  443 | true
          other, api.test:443    | api.test      |  443 | false
          other api.test:8443    | api.test      |  443 | true
          10.0.0.1               | 10.0.0.1      |  443 | false
          [fd00::1]:443          | [fd00::1]     |  443 | false
          fd00::1                | [fd00::1]     |  443 | false
          fd00::2                | [fd00::1]     |  443 | true
          ,,                     | api.test      |  443 | true
          ''                     | localhost     |  443 | false
          ''                     | 127.0.0.53    |  443 | false
          ''                     | [::1]         |  443 | false
          """)
  void no_proxy_names_hosts_with_their_subdomains(
      String noProxy, String host, int port, boolean proxied) {
    ProxyRule rule = rule(Map.of("HTTPS_PROXY", "http://p:3128", "NO_PROXY", noProxy), "");
    ProxyUrl proxy = new ProxyUrl("p", 3128, null);
    assertEquals(proxied ? proxy : null, rule.towards(host, port));
  }

  @Test
  void a_setting_wins_over_the_environment() {
    Map<String, String> environment = Map.of("https_proxy", "p:1", "no_proxy", "*");
    assertEquals(ProxyRule.NONE, rule(environment, "proxy: none,"));
    ProxyRule stated = rule(environment, "proxy: 'http://[::1]',");
    assertEquals(new ProxyUrl("::1", 80, null), stated.towards("localhost", 443));
    assertEquals(new ProxyUrl("p", 1, null), rule(environment, "").proxy());
  }

  @Test
  void an_unusable_variable_is_a_fault_and_its_text_is_not_shown() {
    String yaml = PROVIDER.formatted("");
    List<String> faults =
        Given.lines(Given.load(yaml, Map.of("HTTPS_PROXY", "socks5://u:hunter2@p")));
    assertEquals(1, faults.size(), faults.toString());
    assertTrue(faults.getFirst().contains("providers[0].proxy: is absent, and HTTPS_PROXY"));
    assertFalse(faults.getFirst().contains("hunter2"));
  }

  @Test
  void a_password_is_not_printed() {
    ProxyUrl url = ProxyUrl.parse("http://u:hunter2@p");
    assertFalse(String.valueOf(url).contains("hunter2"));
    assertEquals(new ProxyUrl("p", 80, new Secret("u:hunter2")), url);
  }
}
