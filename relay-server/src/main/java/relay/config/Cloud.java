package relay.config;

import java.net.URI;

/** The settings that only some provider types need. */
public sealed interface Cloud {

  /** The type needs no further settings. */
  record None() implements Cloud {}

  /**
   * Azure OpenAI. The provider's model name is the deployment's name. {@code model_mapping} maps
   * client names to deployments.
   *
   * @param apiVersion of the data plane, such as {@code 2024-10-21}
   * @param loginUrl the Entra token endpoint's base URL; sovereign clouds have their own
   * @param tokenScope the OAuth scope of the requested tokens
   */
  record Azure(String apiVersion, URI loginUrl, String tokenScope) implements Cloud {}

  /**
   * Amazon Bedrock.
   *
   * @param region the region in the request's signature
   */
  record Bedrock(String region) implements Cloud {}

  /**
   * Vertex AI.
   *
   * @param project the Google Cloud project
   * @param region a location, {@code global}, {@code us} or {@code eu}
   */
  record Vertex(String project, String region) implements Cloud {}
}
