package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A token endpoint on loopback. */
final class TokenEndpoint implements AutoCloseable {
  private final HttpServer server;
  private final String answer;
  private final Question question;
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private volatile int status = 200;

  /** What is noted of a request. */
  @FunctionalInterface
  interface Question {
    String of(HttpExchange exchange) throws IOException;
  }

  /**
   * @param answer where %d stands for the number of the request
   */
  TokenEndpoint(String path, String answer, Question question) throws IOException {
    this.answer = answer;
    this.question = question;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(path, this::answer);
    server.start();
  }

  private void answer(HttpExchange exchange) throws IOException {
    asked.add(question.of(exchange));
    byte[] said = answer.formatted(asked.size()).getBytes(UTF_8);
    exchange.sendResponseHeaders(status, said.length);
    exchange.getResponseBody().write(said);
    exchange.close();
  }

  /** From now on. */
  void status(int next) {
    status = next;
  }

  List<String> asked() {
    return List.copyOf(asked);
  }

  URI url() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
