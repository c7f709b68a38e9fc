package relay.upstream;

import java.io.IOException;
import okhttp3.Request;
import okhttp3.Response;
import relay.model.Endpoint;

/** Bedrock's InvokeModel and InvokeModelWithResponseStream. */
final class BedrockProtocol implements ProviderProtocol {
  private static final String NO_MODEL = "relay.probe";
  private static final String EVENT_STREAM = "application/vnd.amazon.eventstream";

  @Override
  public boolean serves(String path) {
    return path.equals(Endpoint.MESSAGES.path());
  }

  @Override
  public String path(String target, String model, boolean stream) {
    return "/model/"
        + Targets.segment(model)
        + (stream ? "/invoke-with-response-stream" : "/invoke");
  }

  /**
   * Bedrock's runtime API has no free list of models, so the probe requests a model that does not
   * exist.
   */
  @Override
  public Probe probe() {
    return new Probe("POST", path(Endpoint.MESSAGES.path(), NO_MODEL, false), "{}");
  }

  @Override
  public void adjust(Request.Builder request) {
    request
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("accept-encoding", "identity") // the relay must parse the frames
        .removeHeader("anthropic-version")
        .removeHeader("anthropic-beta"); // the body holds both values
  }

  @Override
  public Response inDialect(Response response) throws IOException {
    if (response.code() >= 400) {
      return CloudErrors.inDialect(response);
    }
    String type = response.header("content-type");
    return type != null && type.startsWith(EVENT_STREAM)
        ? EventStreamBody.asEvents(response)
        : response;
  }
}
