package relay.upstream;

import java.util.Set;
import relay.model.Endpoint;

/** Anthropic's own Messages API at Bedrock's {@code bedrock-mantle} endpoint. */
final class MantleProtocol implements ProviderProtocol {
  private static final Set<String> SERVED =
      Set.of(Endpoint.MESSAGES.path(), Endpoint.COUNT_TOKENS.path());

  @Override
  public boolean serves(String path) {
    return SERVED.contains(path);
  }

  @Override
  public String path(String target, String model, boolean stream) {
    return target;
  }

  /** An invalid request, whose answer is 400 if the key is good: signatures are for POST. */
  @Override
  public Probe probe() {
    return new Probe("POST", Endpoint.MESSAGES.path(), "{}");
  }
}
