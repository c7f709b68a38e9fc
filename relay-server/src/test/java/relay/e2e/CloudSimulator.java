package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLDecoder;
import java.security.Signature;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import relay.bedrock.EventStreamFrames;
import relay.bedrock.SignatureCheck;
import relay.config.ServiceAccounts;
import relay.e2e.RawProvider.Connection;
import relay.e2e.RawProvider.Received;
import relay.model.Dialect;

/**
 * Checks requests by the protocols of Azure OpenAI, Bedrock, Vertex AI and their token endpoints,
 * all on one port. Records each violation and answers it with 400.
 */
final class CloudSimulator implements AutoCloseable {
  static final String REGION = "eu-west-1";
  static final String ACCESS_KEY = "AKIARELAYTEST000001";

  /** Answers a valid request. */
  @FunctionalInterface
  interface Behaviour {
    void answer(Received request, Connection connection) throws Exception;
  }

  private final RawProvider server = new RawProvider(this::answer);
  private final Map<String, Behaviour> behaviours = new ConcurrentHashMap<>();
  private final List<String> broken = new CopyOnWriteArrayList<>();
  private final AtomicInteger tokens = new AtomicInteger();
  private final Map<String, String> tokenOf = new ConcurrentHashMap<>();

  CloudSimulator() throws IOException {}

  String url() {
    return server.url();
  }

  /** Sets the behaviour for a model or a token endpoint's path. */
  void on(String modelOrPath, Behaviour behaviour) {
    behaviours.put(modelOrPath, behaviour);
  }

  /** Restores the good answer. */
  void off(String modelOrPath) {
    behaviours.remove(modelOrPath);
  }

  /** The violations so far. */
  List<String> broken() {
    return List.copyOf(broken);
  }

  /** The requests whose request line contains a text, in order. */
  List<Received> received(String text) {
    return server.received().stream().filter(r -> r.line().contains(text)).toList();
  }

  static String path(Received request) {
    return request.line().split(" ", -1)[1];
  }

  private void answer(Received request, Connection connection) throws Exception {
    String path = path(request);
    Behaviour behaviour = behaviours.get(path.endsWith("/token") ? path : model(path));
    if (path.equals("/google/token") && behaviour == null) {
      connection.write(googleToken(request));
    } else if (path.endsWith("/oauth2/v2.0/token") && behaviour == null) {
      connection.write(entraToken(request));
    } else {
      String fault = path.endsWith("/token") ? "" : fault(path, request);
      if (!fault.isEmpty()) {
        broken.add(request.line() + ": " + fault);
        connection.write(Says.json(400, "{\"message\":\"a rule was broken\"}"));
      } else if (behaviour != null) {
        behaviour.answer(request, connection);
      } else {
        fine(path, connection);
      }
    }
  }

  private static String model(String path) {
    String[] segments = path.split("[/:?]", -1);
    for (int n = 0; n < segments.length - 1; n++) {
      if (List.of("deployments", "model", "models").contains(segments[n])) {
        return URLDecoder.decode(segments[n + 1], UTF_8);
      }
    }
    return path;
  }

  private String fault(String path, Received request) throws IOException {
    JsonNode body = new ObjectMapper().readTree(request.body());
    if (path.startsWith("/openai/")) {
      return azure(path, request);
    }
    if (path.startsWith("/model/")) {
      return bedrock(path, request, body);
    }
    return path.startsWith("/v1/projects/") ? vertex(path, request, body) : "unknown path";
  }

  private String azure(String path, Received request) {
    if (!path.endsWith("?api-version=2024-10-21")) {
      return "no api-version";
    }
    String key = request.header("api-key");
    String bearer = request.header("authorization");
    return (key != null) == (bearer != null)
            || (key != null && !key.startsWith("azure-secret"))
            || (bearer != null && !tokenOf.containsValue(bearer))
        ? "wrong credential"
        : "";
  }

  private static String bedrock(String path, Received request, JsonNode body) {
    Map<String, String> headers = new TreeMap<>();
    request
        .headers()
        .forEach(
            line ->
                headers.put(
                    line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT),
                    line.substring(line.indexOf(':') + 1).strip()));
    String secret =
        headers.getOrDefault("authorization", "").contains(ACCESS_KEY + "/")
            ? "aws-secret-1"
            : "aws-secret-2";
    String id = secret.endsWith("1") ? ACCESS_KEY : ACCESS_KEY + "B";
    String fault = SignatureCheck.fault(path, headers, request.body(), id, secret, REGION);
    if (!fault.isEmpty()) {
      return fault;
    }
    return body.has("model")
            || body.has("stream")
            || !body.path("anthropic_version").asText().equals("bedrock-2023-05-31")
        ? "wrong body: " + body
        : "";
  }

  private String vertex(String path, Received request, JsonNode body) {
    boolean stream = path.endsWith(":streamRawPredict");
    if (!path.startsWith("/v1/projects/p-1/locations/us-east5/publishers/anthropic/models/")
        || !(stream || path.endsWith(":rawPredict"))) {
      return "wrong path";
    }
    String bearer = request.header("authorization");
    if (bearer == null || !tokenOf.containsValue(bearer)) {
      return "wrong credential";
    }
    return body.has("model")
            || body.path("stream").asBoolean() != stream
            || !body.path("anthropic_version").asText().equals("vertex-2023-10-16")
        ? "wrong body: " + body
        : "";
  }

  private static void fine(String path, Connection connection) throws IOException {
    Dialect dialect = path.startsWith("/openai/") ? Dialect.OPENAI : Dialect.ANTHROPIC;
    if (path.endsWith("/invoke-with-response-stream")) {
      connection.write(frameHead());
      for (String event : Says.events(dialect)) {
        connection.chunk(EventStreamFrames.chunk(data(event)));
      }
      connection.chunk("");
    } else if (path.endsWith(":streamRawPredict")) {
      connection.write(Says.STREAM);
      for (String event : Says.events(dialect)) {
        connection.chunk(event);
      }
      connection.chunk("");
    } else {
      connection.write(Says.fine(dialect));
    }
  }

  static String frameHead() {
    return "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
        + "transfer-encoding: chunked\r\n\r\n";
  }

  /** The data of an SSE event. */
  static String data(String event) {
    return event.substring(event.indexOf("data: ") + 6).strip();
  }

  private String entraToken(Received request) {
    Map<String, String> form = form(request);
    List<String> wrong = new ArrayList<>();
    if (!"client_credentials".equals(form.get("grant_type"))
        || !"https://cognitiveservices.azure.com/.default".equals(form.get("scope"))
        || !"app-1".equals(form.get("client_id"))
        || !"entra-secret-1".equals(form.get("client_secret"))) {
      wrong.add("wrong form: " + form);
    }
    broken.addAll(wrong);
    return wrong.isEmpty() ? token("entra") : Says.json(401, "{\"error\":\"invalid_client\"}");
  }

  private String googleToken(Received request) throws Exception {
    Map<String, String> form = form(request);
    String[] assertion = form.getOrDefault("assertion", "..").split("\\.", -1);
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initVerify(ServiceAccounts.keyPair().getPublic());
    signature.update((assertion[0] + "." + assertion[1]).getBytes(UTF_8));
    boolean signed = signature.verify(Base64.getUrlDecoder().decode(assertion[2]));
    JsonNode claims = new ObjectMapper().readTree(Base64.getUrlDecoder().decode(assertion[1]));
    if (!signed
        || !"urn:ietf:params:oauth:grant-type:jwt-bearer".equals(form.get("grant_type"))
        || !claims.path("iss").asText().equals("relay@p-1.iam.gserviceaccount.com")
        || !claims.path("aud").asText().equals("https://oauth2.googleapis.com/token")
        || !claims.path("scope").asText().endsWith("/auth/cloud-platform")) {
      broken.add("wrong assertion: " + claims);
      return Says.json(400, "{\"error\":\"invalid_grant\"}");
    }
    return token("google");
  }

  private String token(String whose) {
    String token = "token-secret-" + whose + "-" + tokens.incrementAndGet();
    tokenOf.put(whose, "Bearer " + token);
    return Says.json(
        200, "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"" + token + "\"}");
  }

  private static Map<String, String> form(Received request) {
    Map<String, String> form = new HashMap<>();
    for (String pair : request.text().split("&", -1)) {
      int equals = pair.indexOf('=');
      form.put(pair.substring(0, equals), URLDecoder.decode(pair.substring(equals + 1), UTF_8));
    }
    return form;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
