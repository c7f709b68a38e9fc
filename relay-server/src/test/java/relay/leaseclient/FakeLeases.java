package relay.leaseclient;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;

/**
 * Answers lease calls as SPEC chapter 10 says, with the fault that the scenario in the path names,
 * and records them: {@code /LANGUAGE/SCENARIO/v1/relay/leases}. {@code
 * /LANGUAGE/event/SCENARIO/CALL/N} answers after N such calls.
 */
final class FakeLeases implements AutoCloseable {
  /** What a client asked, and when. */
  record Asked(
      String scenario,
      String call,
      String method,
      JsonNode body,
      String authorization,
      long nanos) {}

  private static final ObjectMapper JSON = new ObjectMapper();
  private final HttpServer server;
  private final List<Asked> asked = new ArrayList<>();

  FakeLeases() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::answer);
    server.start();
  }

  String url(String language) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/" + language;
  }

  synchronized List<Asked> asked(String scenario, String... calls) {
    List<String> wanted = List.of(calls);
    return asked.stream()
        .filter(
            one -> one.scenario.equals(scenario) && (wanted.isEmpty() || wanted.contains(one.call)))
        .toList();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String[] path = exchange.getRequestURI().getPath().split("/", -1);
    if (path[2].equals("event")) {
      await(path[1] + "/" + path[3], path[4], Integer.parseInt(path[5]));
      reply(exchange, 200, "{}");
      return;
    }
    String call = path.length == 6 ? "acquire" : path.length == 8 ? path[7] : "cancel";
    int nth = record(exchange, path[1] + "/" + path[2], call);
    String fault = path[2] + " " + call + (nth == 1 ? " first" : "");
    switch (fault) {
      case "waits acquire first" ->
          refuse(exchange, 429, "retry-after", "3600", "retry-after-ms", "40");
      case "seconds acquire first" -> refuse(exchange, 429, "retry-after", "1");
      case "bound acquire first" -> refuse(exchange, 429, "retry-after-ms", "60000");
      case "budget acquire first" -> refuse(exchange, 429, "x-should-retry", "false");
      case "balancer acquire first" -> refuse(exchange, 502);
      case "lost acquire first", "unsettled settle first" -> exchange.close();
      case "gone progress first", "gone progress" -> refuse(exchange, 404);
      default -> reply(exchange, 200, call.equals("acquire") ? grant(path[2]) : "{}");
    }
  }

  private static String grant(String scenario) {
    return "{\"lease\": \"L-1_x\", \"provider\": \"anthropic\", \"key\": \"acme-\\u0032\","
        + " \"account\": \"acme\", \"model\": \"m\", \"class\": \"\\\"}{,\", \"requests\": "
        + (scenario.equals("bulk") || scenario.equals("partly") ? 4 : 1)
        + ", \"reserved\": {\"input_tokens\": 1200, \"output_tokens\": 300}, \"ttl_ms\": 1000}";
  }

  private synchronized int record(HttpExchange exchange, String scenario, String call)
      throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    asked.add(
        new Asked(
            scenario,
            call,
            exchange.getRequestMethod(),
            JSON.readTree(body),
            exchange.getRequestHeaders().getFirst("authorization"),
            System.nanoTime()));
    notifyAll();
    return asked(scenario, call).size();
  }

  private synchronized void await(String scenario, String call, int times) {
    long end = System.nanoTime() + 60_000_000_000L;
    while (asked(scenario, call).size() < times && System.nanoTime() < end) {
      try {
        wait(1000);
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private static void refuse(HttpExchange exchange, int status, String... headers)
      throws IOException {
    for (int i = 0; i < headers.length; i += 2) {
      exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
    }
    reply(exchange, status, "{\"error\": {\"message\": \"refused\", \"type\": \"t\"}}");
  }

  private static void reply(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
