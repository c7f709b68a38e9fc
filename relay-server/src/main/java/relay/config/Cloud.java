package relay.config;

import java.net.URI;

/** What a provider's type must know beside its base URL. */
public sealed interface Cloud {

  /** Nothing. */
  record None() implements Cloud {}

  /**
   * Azure OpenAI. The deployment is the model's name at the provider, so {@code model_mapping}
   * names it where clients say something else.
   *
   * @param apiVersion of the data plane, such as {@code 2024-10-21}
   * @param loginUrl where Entra gives tokens; sovereign clouds have one of their own
   * @param tokenScope what a token is asked for
   */
  record Azure(String apiVersion, URI loginUrl, String tokenScope) implements Cloud {}

  /**
   * Amazon Bedrock.
   *
   * @param region which the signature names
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
