package relay.upstream;

import java.io.IOException;
import okhttp3.Request;
import okhttp3.Response;
import relay.config.Cloud;
import relay.model.Endpoint;

/** Vertex AI's rawPredict and streamRawPredict for Anthropic models. */
final class VertexProtocol implements ProviderProtocol {
  private static final String NO_MODEL = "relay-probe";
  private static final String COUNT_TOKENS = Endpoint.MESSAGES.path() + "/count_tokens";

  private final String models;

  VertexProtocol(Cloud.Vertex vertex) {
    models =
        "/v1/projects/%s/locations/%s/publishers/anthropic/models/"
            .formatted(vertex.project(), vertex.region());
  }

  @Override
  public boolean serves(String path) {
    return path.equals(Endpoint.MESSAGES.path()) || path.equals(COUNT_TOKENS);
  }

  @Override
  public String path(String target, String model, boolean stream) {
    if (Targets.path(target).equals(COUNT_TOKENS)) {
      return models + "count-tokens:rawPredict";
    }
    return models + Targets.segment(model) + (stream ? ":streamRawPredict" : ":rawPredict");
  }

  /** Vertex AI has no list of these models, so the probe requests a model that does not exist. */
  @Override
  public Probe probe() {
    return new Probe("POST", path(Endpoint.MESSAGES.path(), NO_MODEL, false), "{}");
  }

  @Override
  public void adjust(Request.Builder request) {
    request.header("content-type", "application/json").header("accept-encoding", "identity");
  }

  @Override
  public Response inDialect(Response response) throws IOException {
    return response.code() >= 400 ? CloudErrors.inDialect(response) : response;
  }
}
