package relay.bedrock;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import relay.config.Credential;
import relay.config.Secret;
import relay.guards.Allocation;

/** Verifies the signatures of AWS's library with an independent implementation. */
class RequestSignerTest {
  private static final String ID = "AKIDEXAMPLE0000000AA";
  private static final String SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  private static final URI URL =
      URI.create("http://127.0.0.1:8080/model/anthropic.claude-v2%3A0/invoke");
  private static final byte[] BODY = "{\"max_tokens\":1}".getBytes(UTF_8);

  private static Map<String, String> signed(@Nullable Secret token) {
    RequestSigner signer =
        new RequestSigner(
            new Credential.AwsKey(ID, new Secret(SECRET), token),
            "us-east-1",
            "bedrock",
            Clock.fixed(Instant.parse("2026-01-02T03:04:05Z"), ZoneOffset.UTC));
    Map<String, String> headers = new TreeMap<>(Map.of("content-type", "application/json"));
    signer.sign(
        URL,
        Map.of("content-type", "application/json"),
        BODY,
        (name, value) -> headers.put(name.toLowerCase(Locale.ROOT), value));
    return headers;
  }

  private static String fault(Map<String, String> headers, byte[] body, String secret) {
    return SignatureCheck.fault(URL.getRawPath(), headers, body, ID, secret, "us-east-1");
  }

  @Test
  void the_signature_passes_an_independent_check() {
    Map<String, String> headers = signed(null);
    assertEquals("", fault(headers, BODY, SECRET));
    assertEquals("20260102T030405Z", headers.get("x-amz-date"));
    assertEquals("127.0.0.1:8080", headers.get("host"));
  }

  @Test
  void a_temporary_key_sends_its_session_token_signed() {
    Map<String, String> headers = signed(new Secret("session-token"));
    assertEquals("", fault(headers, BODY, SECRET));
    assertEquals("session-token", headers.get("x-amz-security-token"));
  }

  @Test
  void the_check_detects_another_body_or_key() {
    Map<String, String> headers = signed(null);
    assertNotEquals("", fault(headers, "{}".getBytes(UTF_8), SECRET));
    assertNotEquals("", fault(headers, BODY, SECRET + "x"));
  }

  @Test
  void no_header_holds_the_secret() {
    assertFalse(signed(null).toString().contains(SECRET));
  }

  @Test
  void a_large_body_is_hashed_without_a_copy() {
    RequestSigner signer =
        new RequestSigner(
            new Credential.AwsKey(ID, new Secret(SECRET), null),
            "us-east-1",
            "bedrock",
            Clock.systemUTC());
    byte[] body = new byte[400_000];
    double bytes =
        Allocation.bytesPerCall(() -> signer.sign(URL, Map.of(), body, (name, value) -> {}));
    assertTrue(bytes < body.length / 2.0, bytes + " bytes");
  }
}
