package relay.upstream;

/** A provider with the same API that clients use to call Relay. */
final class PlainProtocol implements ProviderProtocol {
  private static final String V1 = "/v1";
  private final boolean underV1;

  /**
   * @param underV1 whether the provider's paths begin with {@code /v1}, as the clients' do
   */
  PlainProtocol(boolean underV1) {
    this.underV1 = underV1;
  }

  @Override
  public boolean serves(String path) {
    return true;
  }

  @Override
  public String path(String target, String model, boolean stream) {
    return underV1 || !target.startsWith(V1 + "/") ? target : target.substring(V1.length());
  }
}
