package relay.config;

import org.jspecify.annotations.Nullable;

/** How a key proves itself to its provider. */
public sealed interface Credential {

  /** What tells the key from others, and gives it its id if it has none; null if there is none. */
  @Nullable Secret secret();

  /** The provider asks for none. */
  record None() implements Credential {
    @Override
    public @Nullable Secret secret() {
      return null;
    }
  }

  /** A word that each request carries. */
  record ApiKey(Secret secret) implements Credential {}

  /**
   * An application in Microsoft Entra, for which tokens are fetched.
   *
   * @param secret the client secret
   */
  record EntraApp(String tenantId, String clientId, Secret secret) implements Credential {}

  /**
   * An AWS access key, which signs each request.
   *
   * @param secret the secret access key
   * @param sessionToken of a temporary key; null if it is a lasting one
   */
  record AwsKey(String accessKeyId, Secret secret, @Nullable Secret sessionToken)
      implements Credential {}

  /**
   * A Google service account, for which tokens are fetched.
   *
   * @param secret its key file, JSON
   */
  record ServiceAccount(Secret secret) implements Credential {}
}
