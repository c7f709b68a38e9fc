package relay.carrier;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.SocketOption;
import java.net.SocketOptions;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.util.Map;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import javax.net.ssl.SSLEngine;

/** Adapts a {@link CarrierChannel} to {@link java.net.Socket}. */
final class CarrierEndpoint extends SocketImpl {
  private static final Map<Integer, SocketOption<?>> OPTIONS =
      Map.of(
          SocketOptions.TCP_NODELAY, StandardSocketOptions.TCP_NODELAY,
          SocketOptions.SO_KEEPALIVE, StandardSocketOptions.SO_KEEPALIVE,
          SocketOptions.SO_LINGER, StandardSocketOptions.SO_LINGER,
          SocketOptions.SO_SNDBUF, StandardSocketOptions.SO_SNDBUF,
          SocketOptions.SO_RCVBUF, StandardSocketOptions.SO_RCVBUF,
          SocketOptions.SO_REUSEADDR, StandardSocketOptions.SO_REUSEADDR,
          SocketOptions.IP_TOS, StandardSocketOptions.IP_TOS);

  private final CarrierChannel connection;
  private final Input input = new Input();
  private final IntUnaryOperator connectTimeout;
  private final GatheringOutput output;
  private final TlsBuffers tlsBuffers;
  private volatile int timeoutMs;

  CarrierEndpoint(
      CarrierChannel connection,
      IntUnaryOperator connectTimeout,
      SpareBuffers rooms,
      TlsBuffers tlsBuffers) {
    this.connection = connection;
    this.connectTimeout = connectTimeout;
    this.tlsBuffers = tlsBuffers;
    output = new GatheringOutput(connection::write, connection::close, rooms);
  }

  private final class Input extends InputStream {
    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      return length == 0 ? 0 : connection.read(bytes, offset, length, timeoutMs);
    }

    @Override
    public void close() {
      connection.close();
    }
  }

  CarrierChannel connection() {
    return connection;
  }

  GatheringOutput output() {
    return output;
  }

  /** Begins TLS, within the timeout of a read. */
  void secure(TlsEngines engines, SSLEngine engine) throws IOException {
    connection.secure(engines, engine, tlsBuffers, timeoutMs);
    if ("h2".equals(engine.getApplicationProtocol())) {
      output.writeAtOnce();
    }
  }

  @Override
  protected InputStream getInputStream() {
    return input;
  }

  @Override
  protected OutputStream getOutputStream() {
    return output;
  }

  @Override
  protected void create(boolean stream) {}

  @Override
  protected void connect(SocketAddress remote, int timeout) throws IOException {
    if (!(remote instanceof InetSocketAddress there)) {
      throw new IllegalArgumentException("not an InetSocketAddress: " + remote);
    }
    if (there.isUnresolved()) {
      throw new UnknownHostException(there.getHostString());
    }
    try {
      long began = System.nanoTime();
      int mostMs = connectTimeout.applyAsInt(timeout);
      connection.connect(there, mostMs);
      // A TLS handshake may follow, for which OkHttp has no timeout: it has the rest of this one.
      // OkHttp sets its own before a request.
      int tookMs = (int) ((System.nanoTime() - began) / 1_000_000);
      timeoutMs = mostMs == 0 ? 0 : Math.max(1, mostMs - tookMs);
    } catch (IOException e) {
      connection.close();
      throw e;
    }
    address = there.getAddress();
    port = there.getPort();
    localport = local().getPort();
  }

  @Override
  protected void connect(String host, int port) throws IOException {
    connect(new InetSocketAddress(host, port), 0);
  }

  @Override
  protected void connect(InetAddress address, int port) throws IOException {
    connect(new InetSocketAddress(address, port), 0);
  }

  @Override
  protected void bind(InetAddress host, int port) throws IOException {
    connection.channel().bind(new InetSocketAddress(host, port));
    localport = local().getPort();
  }

  private InetSocketAddress local() throws IOException {
    return (InetSocketAddress) connection.channel().getLocalAddress();
  }

  @Override
  protected void listen(int backlog) {
    throw clientOnly();
  }

  @Override
  protected void accept(SocketImpl s) {
    throw clientOnly();
  }

  /** {@link SocketImpl} asks for both; connections to providers need neither. */
  private static UnsupportedOperationException clientOnly() {
    return new UnsupportedOperationException("this is a client socket");
  }

  @Override
  protected int available() {
    return 0; // unknown before a read
  }

  @Override
  protected void sendUrgentData(int data) throws IOException {
    throw new SocketException("there is no urgent data");
  }

  @Override
  protected void shutdownInput() throws IOException {
    connection.channel().shutdownInput();
  }

  @Override
  protected void shutdownOutput() throws IOException {
    output.flush();
    connection.channel().shutdownOutput();
  }

  @Override
  protected void close() {
    connection.close();
  }

  @Override
  protected Set<SocketOption<?>> supportedOptions() {
    return connection.channel().supportedOptions();
  }

  @Override
  protected <T> void setOption(SocketOption<T> name, T value) throws IOException {
    connection.channel().setOption(name, value);
  }

  @Override
  protected <T> T getOption(SocketOption<T> name) throws IOException {
    return connection.channel().getOption(name);
  }

  @Override
  public void setOption(int id, Object value) throws SocketException {
    if (id == SocketOptions.SO_TIMEOUT) {
      timeoutMs = (Integer) value;
      return;
    }
    try {
      set(known(id), value.equals(false) && id == SocketOptions.SO_LINGER ? -1 : value);
    } catch (IOException e) {
      throw new SocketException(e);
    }
  }

  private <T> void set(SocketOption<T> option, Object value) throws IOException {
    setOption(option, option.type().cast(value));
  }

  @Override
  public Object getOption(int id) throws SocketException {
    if (id == SocketOptions.SO_TIMEOUT) {
      return timeoutMs;
    }
    try {
      return id == SocketOptions.SO_BINDADDR ? local().getAddress() : getOption(known(id));
    } catch (IOException e) {
      throw new SocketException(e);
    }
  }

  private static SocketOption<?> known(int id) throws SocketException {
    SocketOption<?> option = OPTIONS.get(id);
    if (option == null) {
      throw new SocketException("unknown option " + id);
    }
    return option;
  }
}
