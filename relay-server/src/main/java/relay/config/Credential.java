package relay.config;

import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** How a key authenticates to its provider. */
public sealed interface Credential {

  /**
   * The secret, unique in the pool; a key without an id gets one derived from it. Null if there is
   * none.
   */
  @Nullable Secret secret();

  /** The provider needs no credential. */
  record None() implements Credential {
    @Override
    public @Nullable Secret secret() {
      return null;
    }
  }

  /** An API key, sent in a header of each request. */
  record ApiKey(Secret secret) implements Credential {}

  /**
   * An application in Microsoft Entra. Relay fetches access tokens for it.
   *
   * @param secret the client secret
   */
  record EntraApp(String tenantId, String clientId, Secret secret) implements Credential {}

  /**
   * An application in Microsoft Entra that a platform vouches for: a federated identity without a
   * secret, such as a workload identity of Kubernetes.
   *
   * @param tokenFile holds the platform's token, which the platform renews
   */
  record EntraWorkload(String tenantId, String clientId, Path tokenFile) implements Credential {
    @Override
    public @Nullable Secret secret() {
      return null;
    }
  }

  /**
   * A managed identity of Azure: the cloud gives it to the machine, without a secret of Relay's.
   *
   * @param endpoint where this machine asks for tokens
   * @param header what App Service wants to be shown; null at the metadata service of a machine
   * @param clientId of a user-assigned identity; null for the machine's own
   */
  record AzureIdentity(
      URI endpoint, String apiVersion, @Nullable Secret header, @Nullable String clientId)
      implements Credential {
    @Override
    public @Nullable Secret secret() {
      return null;
    }
  }

  /**
   * An identity of another platform that Google trusts (workload identity federation).
   *
   * @param secret the content of the credential configuration
   */
  record GoogleFederation(Secret secret) implements Credential {}

  /** The service account that Google gives the machine: tokens come from its metadata server. */
  record GoogleMachine() implements Credential {
    @Override
    public @Nullable Secret secret() {
      return null;
    }
  }

  /**
   * An AWS access key. It signs each request.
   *
   * @param secret the secret access key
   * @param sessionToken the session token of a temporary key; null for a long-term key
   */
  record AwsKey(String accessKeyId, Secret secret, @Nullable Secret sessionToken)
      implements Credential {}

  /** What AWS's library finds on the machine: a role, a profile, a web identity. */
  record AwsMachine() implements Credential {
    @Override
    public @Nullable Secret secret() {
      return null;
    }
  }

  /**
   * A Google service account. Relay fetches access tokens for it.
   *
   * @param secret the content of its JSON key file
   */
  record ServiceAccount(Secret secret) implements Credential {}
}
