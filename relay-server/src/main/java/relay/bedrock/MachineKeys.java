package relay.bedrock;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.config.Credential;
import relay.config.Secret;
import relay.token.AccessToken;
import relay.token.TokenCache;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;

/**
 * Access keys from where AWS's own library looks for them ("Default credentials provider chain",
 * docs.aws.amazon.com): the environment, a web identity, a profile with an assumed role or SSO, the
 * endpoint of a container, the metadata service of an instance.
 */
public final class MachineKeys implements TokenCache.Fetch {
  /** When to ask again for a key that states no end: a profile may have changed. */
  private static final Duration ENDLESS = Duration.ofHours(1);

  private final InstantSource clock;
  private @Nullable DefaultCredentialsProvider chain;

  public MachineKeys(InstantSource clock) {
    this.clock = clock;
  }

  /** The three parts of a key, a line each: see {@link #keyOf}. */
  @Override
  public synchronized AccessToken fetch() throws IOException {
    try {
      if (chain == null) {
        chain = DefaultCredentialsProvider.builder().build();
      }
      AwsCredentials found = chain.resolveCredentials();
      String session = found instanceof AwsSessionCredentials of ? of.sessionToken() : "";
      Instant end = found.expirationTime().orElse(clock.instant().plus(ENDLESS));
      return new AccessToken(
          new Secret(String.join("\n", found.accessKeyId(), found.secretAccessKey(), session)),
          end);
    } catch (SdkException e) {
      // without the cause: its message may quote an answer
      throw new IOException("AWS's library finds no credentials");
    }
  }

  /** The key in what was fetched. */
  public static Credential.AwsKey keyOf(Secret fetched) {
    List<String> parts = List.of(fetched.reveal().split("\n", -1));
    String session = parts.get(2);
    return new Credential.AwsKey(
        parts.get(0), new Secret(parts.get(1)), session.isEmpty() ? null : new Secret(session));
  }
}
