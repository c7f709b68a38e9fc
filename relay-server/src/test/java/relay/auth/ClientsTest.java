package relay.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.auth.Clients.Caller;
import relay.config.Config;
import relay.pool.Configs;

class ClientsTest {
  /** One client is configured only by the SHA-256 of {@code abc}. */
  private static final Config CONFIG =
      Configs.of(
          """
          server:
            auth:
              clients:
                - {name: by-key, key: sk-by-key}
                - name: by-hash
                  key_sha256: BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD
          """
              + Configs.POOLS);

  private final Clients clients = new Clients(CONFIG.server().auth());

  @ParameterizedTest
  @CsvSource({
    "by-key, sk-by-key, ",
    "by-key, , Bearer sk-by-key",
    "by-key, , bearer   sk-by-key",
    "by-key, wrong, Bearer sk-by-key",
    "by-hash, abc, ",
    "by-hash, , Bearer abc",
    "by-hash, abc, Bearer sk-by-key",
  })
  void a_client_is_identified_by_either_header(
      String name, @Nullable String apiKey, @Nullable String authorization) {
    Caller caller = clients.authenticate(apiKey, authorization);
    assertNotNull(caller);
    assertEquals(name, caller.name());
  }

  @ParameterizedTest
  @CsvSource({
    ", ",
    "'', ",
    "sk-by-ke, ",
    "sk-by-keyy, ",
    "SK-BY-KEY, ",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, ",
    ", sk-by-key",
    ", Basic sk-by-key",
    ", Bearer",
    ", Bearer wrong",
  })
  void nothing_else_is_a_credential(@Nullable String apiKey, @Nullable String authorization) {
    assertNull(clients.authenticate(apiKey, authorization));
  }

  @Test
  void an_open_replica_asks_for_no_credential() {
    Clients open = new Clients(Configs.of(Configs.POOLS).server().auth());
    assertNotNull(open.authenticate(null, null));
  }
}
