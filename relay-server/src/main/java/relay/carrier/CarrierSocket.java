package relay.carrier;

import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;

/** A socket that a carrier watches. */
final class CarrierSocket extends Socket {
  private final CarrierEndpoint endpoint;

  CarrierSocket(CarrierEndpoint endpoint) throws IOException {
    super(endpoint);
    this.endpoint = endpoint;
  }

  CarrierEndpoint endpoint() {
    return endpoint;
  }

  /** {@link Socket}'s own stream does not pass on a flush. */
  @Override
  public OutputStream getOutputStream() throws IOException {
    super.getOutputStream(); // checks the state of the socket
    return endpoint.getOutputStream();
  }

  /** {@link Socket} does not close an endpoint that was never connected. */
  @Override
  public void close() throws IOException {
    super.close();
    endpoint.close();
  }
}
