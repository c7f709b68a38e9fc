package relay.peers;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A gateway that is ready at once, and refuses every request for ten milliseconds. */
final class FixedAnswer {
  private static final Pattern LISTEN = Pattern.compile("listen: \"127\\.0\\.0\\.1:(\\d+)\"");

  private FixedAnswer() {}

  /** Argument: a config of cc-relay. */
  public static void main(String... args) throws IOException {
    Matcher listen = LISTEN.matcher(Files.readString(Path.of(args[0])));
    if (!listen.find()) {
      throw new IOException("no port");
    }
    int port = Integer.parseInt(listen.group(1));
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          boolean ready = exchange.getRequestMethod().equals("GET");
          exchange.getResponseHeaders().set("retry-after-ms", "10");
          exchange.sendResponseHeaders(ready ? 200 : 429, -1);
          exchange.close();
        });
    server.start();
  }
}
