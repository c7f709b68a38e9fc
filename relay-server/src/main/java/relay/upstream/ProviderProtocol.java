package relay.upstream;

import java.io.IOException;
import okhttp3.Request;
import okhttp3.Response;
import relay.config.Cloud;
import relay.config.ProviderConfig;

/** The URL and format differences of one type of provider. */
interface ProviderProtocol {

  static ProviderProtocol of(ProviderConfig provider) {
    return switch (provider.cloud()) {
      case Cloud.None _ -> new PlainProtocol(provider.api().underV1());
      case Cloud.Azure azure -> new AzureProtocol(azure);
      case Cloud.Bedrock _ ->
          provider.api().isNative() ? new MantleProtocol() : new BedrockProtocol();
      case Cloud.Vertex vertex -> new VertexProtocol(vertex);
    };
  }

  /** Whether the provider supports the client's path. */
  boolean serves(String path);

  /**
   * The path and query after the base URL.
   *
   * @param target the client's path and query
   * @param model the provider's name of the model; empty if the body was not scanned
   */
  String path(String target, String model, boolean stream);

  /**
   * A free request that shows whether the provider accepts a key: any status except 401 and 403
   * means yes.
   */
  default Probe probe() {
    return new Probe("GET", path("/v1/models", "", false), "");
  }

  /**
   * @param path the path and query after the base URL
   */
  record Probe(String method, String path, String body) {}

  /** Sets the headers that the provider requires. */
  default void adjust(Request.Builder request) {}

  /** Converts the answer to the dialect's format. May block to read the body. */
  default Response inDialect(Response response) throws IOException {
    return response;
  }
}
