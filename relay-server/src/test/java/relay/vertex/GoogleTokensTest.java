package relay.vertex;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.config.Credential;
import relay.config.Secret;
import relay.token.TokenRefusedException;
import relay.vertex.GoogleTokens.Exchange.Answer;
import relay.vertex.GoogleTokens.Exchange.Question;

/**
 * Workload identity federation, as in "Obtain short-lived tokens for Workload Identity Federation",
 * docs.cloud.google.com, read November 27, 2026: the platform's token is exchanged at Google's
 * security token service (RFC 8693).
 */
final class GoogleTokensTest {
  @TempDir Path directory;
  private final List<Question> asked = new ArrayList<>();
  private int status = 200;

  private Answer answer(Question question) {
    asked.add(question);
    return new Answer(
        status,
        "application/json; charset=utf-8",
        status == 200
            ? "{\"access_token\":\"google-%d\",\"expires_in\":3600,\"token_type\":\"Bearer\",\"issued_token_type\":\"urn:ietf:params:oauth:token-type:access_token\"}"
                .formatted(asked.size())
            : "{\"error\":\"invalid_grant\",\"error_description\":\"no\"}");
  }

  private GoogleTokens tokens(Path file) {
    String configuration =
        """
        {"type": "external_account",
         "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k",
         "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
         "token_url": "https://sts.googleapis.com/v1/token",
         "credential_source": {"file": "%s"}}
        """
            .formatted(file);
    return GoogleTokens.of(
        new Credential.GoogleFederation(new Secret(configuration)), this::answer);
  }

  @Test
  void each_fetch_shows_the_present_token_of_the_platform() throws Exception {
    Path file = Files.writeString(directory.resolve("token"), "platform-1");
    GoogleTokens tokens = tokens(file);
    assertEquals("google-1", tokens.fetch().value().reveal());
    Files.writeString(file, "platform-2");
    assertEquals("google-2", tokens.fetch().value().reveal());
    for (int n = 0; n < 2; n++) {
      Question question = asked.get(n);
      assertEquals("https://sts.googleapis.com/v1/token", question.url());
      String form = question.body();
      assertTrue(form.contains("subject_token=platform-" + (n + 1)), form);
      assertTrue(form.contains("cloud-platform"), form);
    }
  }

  @Test
  void a_refusal_is_for_good() throws Exception {
    GoogleTokens tokens = tokens(Files.writeString(directory.resolve("token"), "platform-1"));
    status = 400;
    assertThrows(TokenRefusedException.class, tokens::fetch);
  }
}
