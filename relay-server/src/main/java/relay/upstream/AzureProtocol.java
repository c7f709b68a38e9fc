package relay.upstream;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import relay.config.Cloud;

/**
 * Azure OpenAI's data plane: the model is a deployment, most paths name it, and each has a version
 * in its query.
 */
final class AzureProtocol implements ProviderProtocol {
  /** The rest names the deployment in its body, or none. */
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
