package relay.trial.provider;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import io.undertow.util.StatusCodes;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Deque;
import java.util.HexFormat;
import relay.trial.provider.ProviderSimulator.AccountStats;
import relay.trial.provider.ProviderSimulator.Stats;

/**
 * {@code /sim/…}: controls the simulator from another process. {@code GET /sim/stats}, {@code POST
 * /sim/reset}, {@code POST /sim/release?gate=NAME&events=N}.
 */
final class SimulatorControl implements HttpHandler {
  private final ProviderSimulator simulator;
  private final ObjectMapper json = new ObjectMapper();

  SimulatorControl(ProviderSimulator simulator) {
    this.simulator = simulator;
  }

  @Override
  public void handleRequest(HttpServerExchange exchange) {
    String asked = exchange.getRequestMethod() + " " + exchange.getRequestPath();
    switch (asked) {
      case "GET /sim/stats" -> {
        exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "application/json");
        exchange.getResponseSender().send(write(simulator.stats()), StandardCharsets.UTF_8);
      }
      case "POST /sim/reset" -> {
        simulator.reset();
        exchange.setStatusCode(StatusCodes.NO_CONTENT);
      }
      case "POST /sim/release" -> {
        simulator.release(parameter(exchange, "gate"), number(parameter(exchange, "events")));
        exchange.setStatusCode(StatusCodes.NO_CONTENT);
      }
      default -> exchange.setStatusCode(StatusCodes.NOT_FOUND);
    }
  }

  /** Secrets are shown like key ids: the first 8 hex digits of their SHA-256. */
  private String write(Stats stats) {
    ObjectNode root = json.createObjectNode();
    ArrayNode accounts = root.putArray("accounts");
    for (AccountStats account : stats.accounts()) {
      ObjectNode node = accounts.addObject();
      node.put("account", account.account());
      node.put("admitted", account.admitted());
      node.put("refused_429", account.refused());
      node.put("input_tokens", account.inputTokens());
      node.put("output_tokens", account.outputTokens());
      node.put("longest_gap_ms", account.longestGapNanos() / 1e6);
      ArrayNode history = node.putArray("admitted_per_second");
      account.admittedPerSecond().forEach(history::add);
    }
    root.put("unauthorized", stats.unauthorized());
    root.put("faults", stats.faults());
    root.put("count_tokens", stats.countTokens());
    root.put("open_answers", stats.openAnswers());
    root.put("aborted_answers", stats.abortedAnswers());
    ArrayNode secrets = root.putArray("secrets_seen");
    stats.secretsSeen().stream().map(SimulatorControl::fingerprint).sorted().forEach(secrets::add);
    return root.toString();
  }

  private static String parameter(HttpServerExchange exchange, String name) {
    Deque<String> values = exchange.getQueryParameters().get(name);
    return values == null ? "" : values.getFirst();
  }

  private static int number(String text) {
    return text.matches("\\d{1,6}") ? Integer.parseInt(text) : 1;
  }

  private static String fingerprint(String secret) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 4);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
