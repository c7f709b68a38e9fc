package relay.upstream;

/** A provider with the same API that clients use to call Relay. */
final class PlainProtocol implements ProviderProtocol {
  @Override
  public boolean serves(String path) {
    return true;
  }

  @Override
  public String path(String target, String model, boolean stream) {
    return target;
  }
}
