package relay.upstream;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import relay.config.Cloud;

/**
 * Azure OpenAI's data plane. A model is a deployment, most paths contain its name, and every query
 * has an API version.
 */
final class AzureProtocol implements ProviderProtocol {
  /** Paths with the deployment's name. Other requests name it in the body, or not at all. */
  private static final Set<String> OF_A_DEPLOYMENT =
      Set.of("chat/completions", "completions", "embeddings");

  private final String version;

  AzureProtocol(Cloud.Azure azure) {
    version = "api-version=" + azure.apiVersion();
  }

  @Override
  public boolean serves(String path) {
    return true;
  }

  @Override
  public String path(String target, String model, boolean stream) {
    String path = Targets.path(target);
    String operation = path.startsWith("/v1/") ? path.substring(4) : path.substring(1);
    String others =
        Arrays.stream(Targets.query(target).replaceFirst("^\\?", "").split("&", -1))
            .filter(part -> !part.isEmpty() && !part.startsWith("api-version="))
            .map(part -> "&" + part)
            .collect(Collectors.joining());
    return (OF_A_DEPLOYMENT.contains(operation)
            ? "/openai/deployments/" + Targets.segment(model) + "/"
            : "/openai/")
        + operation
        + "?"
        + version
        + others;
  }
}
