package relay.upstream;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.time.Instant;
import java.util.regex.Pattern;
import okhttp3.Response;
import relay.config.Secret;
import relay.token.AccessToken;

/** Reads the answers of Microsoft's token endpoints. */
final class TokenAnswers {
  private static final int MOST_BYTES = 64 * 1024;
  private static final long LONGEST_LIFE_S = 86_400;
  private static final Pattern WORD = Pattern.compile("[a-z_]{1,40}");

  private TokenAnswers() {}

  static JsonNode read(Response response) throws IOException {
    response.body().source().request(MOST_BYTES);
    try {
      return new JsonMapper()
          .readTree(response.body().source().getBuffer().snapshot().toByteArray());
    } catch (JacksonException e) {
      // without the cause: its message would quote the answer
      throw new IOException("the token endpoint's answer is not JSON");
    }
  }

  static AccessToken token(JsonNode said, Instant asked, long lifeSeconds) throws IOException {
    String token = said.path("access_token").asText();
    if (token.isEmpty() || lifeSeconds <= 0) {
      throw new IOException("the token endpoint's answer holds no token");
    }
    return new AccessToken(
        new Secret(token), asked.plusSeconds(Math.min(lifeSeconds, LONGEST_LIFE_S)));
  }

  /** Shows only the endpoint's error code: its description may hold confidential details. */
  static String refusal(int status, JsonNode said) {
    String code = said.path("error").asText();
    return "the token endpoint answered "
        + status
        + (WORD.matcher(code).matches() ? " " + code : "");
  }
}
