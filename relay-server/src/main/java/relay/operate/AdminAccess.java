package relay.operate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import relay.config.ListenAddress;
import relay.config.Secret;
import relay.config.ServerConfig;

/** Uses the admin plane of the replica that runs with this configuration. */
final class AdminAccess implements PoolsAccess {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final Duration RELOAD_TIMEOUT =
      Duration.ofSeconds(35); // the replica's 30, and more
  private static final long MAX_ANSWER_BYTES = 256L << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final URI base;
  private final @Nullable Secret token;
  private final String otherwise; // what else an operator may do, for a message
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .proxy(HttpClient.Builder.NO_PROXY)
          .build();

  private AdminAccess(URI base, @Nullable Secret token, String otherwise) {
    this.base = base;
    this.token = token;
    this.otherwise = otherwise;
  }

  /** The replica with this admin address. */
  static AdminAccess at(URI base, @Nullable Secret token) {
    return new AdminAccess(base, token, "");
  }

  /** For what only this machine's replica knows. */
  static AdminAccess to(ServerConfig server) throws OperationFailed {
    return to(server, "");
  }

  /** For what Redis would tell, if the config named it. */
  static AdminAccess withoutRedis(ServerConfig server) throws OperationFailed {
    return to(server, ", or name the replicas' Redis in redis.url");
  }

  private static AdminAccess to(ServerConfig server, String otherwise) throws OperationFailed {
    ListenAddress listen = server.adminListen();
    if (listen.port() == 0) {
      throw OperationFailed.badUsage(
          "server.admin_listen has no port: set one to reach the replica" + otherwise);
    }
    URI base = URI.create("http://" + reachable(listen));
    return new AdminAccess(base, server.adminToken(), otherwise);
  }

  /** A wildcard address is good for listening only; connect to loopback instead. */
  private static ListenAddress reachable(ListenAddress listen) {
    String loopback = listen.host().contains(":") ? "::1" : "127.0.0.1";
    boolean isName = !listen.host().matches("[0-9.]+|.*:.*");
    boolean isWildcard = !isName && InetAddress.ofLiteral(listen.host()).isAnyLocalAddress();
    return isWildcard ? new ListenAddress(loopback, listen.port()) : listen;
  }

  @Override
  public String json() throws OperationFailed {
    return answer(request("/pools").GET()).strip();
  }

  /** The JSON of {@code GET /clients}. */
  String clients() throws OperationFailed {
    return answer(request("/clients").GET()).strip();
  }

  /** The JSON of {@code GET /events}, or of {@code GET /requests}. */
  String recent(String path) throws OperationFailed {
    return answer(request(path).GET()).strip();
  }

  @Override
  public void cooldown(String pool, String key, Duration duration) throws OperationFailed {
    post(pool, key, "cooldown?duration=" + duration.toMillis() + "ms");
  }

  @Override
  public void quarantine(String pool, String key, String words) throws OperationFailed {
    post(pool, key, words.isEmpty() ? "quarantine" : "quarantine?reason=" + encoded(words));
  }

  @Override
  public void restore(String pool, String key) throws OperationFailed {
    post(pool, key, "restore");
  }

  private void post(String pool, String key, String action) throws OperationFailed {
    String path = "/pools/" + encoded(pool) + "/keys/" + encoded(key) + "/" + action;
    var _ = answer(request(path).POST(BodyPublishers.noBody()));
  }

  private static String encoded(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve(path)).timeout(TIMEOUT);
    if (token != null) {
      request.header("Authorization", "Bearer " + token.reveal());
    }
    return request;
  }

  /**
   * The result of {@code POST /reload}.
   *
   * @param taken whether the config took effect
   */
  record Reloaded(boolean taken, JsonNode body) {}

  Reloaded reload() throws OperationFailed {
    HttpResponse<String> answer =
        send(request("/reload").timeout(RELOAD_TIMEOUT).POST(BodyPublishers.noBody()));
    if (answer.statusCode() != 200 && answer.statusCode() != 400) {
      throw failure(answer);
    }
    return new Reloaded(answer.statusCode() == 200, ReplicaJson.of(answer.body()));
  }

  private String answer(HttpRequest.Builder request) throws OperationFailed {
    HttpResponse<String> answer = send(request);
    if (answer.statusCode() == 200) {
      return answer.body();
    }
    throw failure(answer);
  }

  private OperationFailed failure(HttpResponse<String> answer) {
    return answer.statusCode() == 404
        ? OperationFailed.badUsage(error(answer))
        : OperationFailed.atRunTime("the replica at " + base + ": " + error(answer));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws OperationFailed {
    try {
      return client.send(
          request.build(), BodyHandlers.limiting(BodyHandlers.ofString(), MAX_ANSWER_BYTES));
    } catch (IOException e) {
      throw OperationFailed.atRunTime(
          "no replica answers at "
              + base
              + " (server.admin_listen); start one with `relay serve`"
              + otherwise);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw OperationFailed.atRunTime("interrupted");
    }
  }

  private static String error(HttpResponse<String> answer) {
    String otherwise = "answered " + answer.statusCode();
    try {
      return JSON.readTree(answer.body()).path("error").asText(otherwise);
    } catch (JsonProcessingException e) {
      return otherwise;
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
