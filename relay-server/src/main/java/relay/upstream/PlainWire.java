package relay.upstream;

/** A provider that is called as its clients call Relay. */
final class PlainWire implements Wire {
  @Override
  public boolean serves(String path) {
    return true;
  }

  @Override
  public String path(String target, String model, boolean stream) {
    return target;
  }
}
