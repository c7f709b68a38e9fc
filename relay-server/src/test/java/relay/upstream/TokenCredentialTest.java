package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Request;
import org.junit.jupiter.api.Test;
import relay.body.Payload;
import relay.config.Secret;
import relay.token.AccessToken;

/** Requests with a token that the provider rejects. */
class TokenCredentialTest {
  private static final Payload BODY = Payload.of(new byte[0]);

  private final AtomicInteger fetches = new AtomicInteger();
  private final TokenCredential credential =
      new TokenCredential(
          "azure/entra",
          () ->
              new AccessToken(
                  new Secret("token-" + fetches.incrementAndGet()),
                  Instant.now().plusSeconds(3600)));
  private final Request.Builder request = new Request.Builder().url("http://localhost/");

  @Test
  void all_requests_with_a_rejected_token_may_retry_with_the_next() throws Exception {
    KeyCredential.Shown first = credential.show(request, BODY);
    KeyCredential.Shown second = credential.show(request, BODY);
    assertTrue(first.renew());
    assertTrue(second.renew(), "the first has not fetched another one yet");
    assertEquals("Bearer token-2", shown());
    assertEquals("Bearer token-2", shown());
  }

  private String shown() throws Exception {
    credential.show(request, BODY);
    return String.valueOf(request.build().header("authorization"));
  }
}
