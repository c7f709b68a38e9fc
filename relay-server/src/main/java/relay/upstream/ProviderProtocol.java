package relay.upstream;

import java.io.IOException;
import okhttp3.Request;
import okhttp3.Response;
import relay.config.Cloud;
import relay.config.ProviderConfig;

/** Where requests to one type of provider go, and what its answers look like. */
interface ProviderProtocol {

  static ProviderProtocol of(ProviderConfig provider) {
    return switch (provider.cloud()) {
      case Cloud.None _ -> new PlainProtocol();
      case Cloud.Azure azure -> new AzureProtocol(azure);
      case Cloud.Bedrock _ -> new BedrockProtocol();
      case Cloud.Vertex vertex -> new VertexProtocol(vertex);
    };
  }

  /** Whether the provider has what the client's path stands for. */
  boolean serves(String path);

  /**
   * What comes behind the base URL.
   *
   * @param target the client's path and query
   * @param model the provider's name of the model; empty if the body was not read
   */
  String path(String target, String model, boolean stream);

  /**
   * A request that costs nothing, whose answer shows whether a key is accepted: any but 401 and 403
   * says that it is.
   */
  default Probe probe() {
    return new Probe("GET", path("/v1/models", "", false), "");
  }

  /**
   * @param path what comes behind the base URL
   */
  record Probe(String method, String path, String body) {}

  /** Sets the headers that the provider's rules ask for. */
  default void adjust(Request.Builder request) {}

  /** The answer as the dialect has it. Blocks where it must read to know. */
  default Response inDialect(Response response) throws IOException {
    return response;
  }
}
