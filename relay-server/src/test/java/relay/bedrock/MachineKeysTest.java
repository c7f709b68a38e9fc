package relay.bedrock;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import relay.config.Credential;
import relay.config.Secret;
import relay.token.AccessToken;

/**
 * The ways of AWS's default chain (SSO: MachineIdentityTest), against endpoints on this machine
 * that answer as documented: "AssumeRoleWithWebIdentity" and "AssumeRole" of the STS API reference,
 * "Container credential provider" of the SDKs reference guide, "Retrieve security credentials from
 * instance metadata" of the EC2 user guide; read November 27, 2026. The SDK reads each variable of
 * the environment also from a system property.
 */
@Isolated
class MachineKeysTest {
  private static final String ROLE = "arn:aws:iam::123456789012:role/relay";
  private final Instant end =
      Instant.now().plus(1, ChronoUnit.HOURS).truncatedTo(ChronoUnit.SECONDS);

  @TempDir Path directory;

  private final HttpServer server;
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private final Map<String, @Nullable String> before = new TreeMap<>();
  private volatile int status = 200;

  MachineKeysTest() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
    server.createContext("/", this::answer);
    server.start();
    // Nothing of this machine's own may be found, and no way but the test's.
    set("aws.ec2MetadataServiceEndpoint", url());
    set("aws.disableEc2Metadata", "true");
    set("aws.configFile", "/nonexistent/config");
    set("aws.sharedCredentialsFile", "/nonexistent/credentials");
    set("aws.region", "us-east-1");
    set("aws.endpointUrlSts", url());
  }

  @AfterEach
  void close() {
    server.stop(0);
    before.forEach(
        (name, value) -> {
          if (value == null) {
            System.clearProperty(name);
          } else {
            System.setProperty(name, value);
          }
        });
  }

  private void set(String name, String value) {
    String old = System.setProperty(name, value);
    before.putIfAbsent(name, old);
  }

  private String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().toString();
    String body =
        URLDecoder.decode(new String(exchange.getRequestBody().readAllBytes(), UTF_8), UTF_8);
    asked.add(exchange.getRequestMethod() + " " + path + " " + body);
    String said = status == 200 ? said(exchange, path, body) : "{}";
    byte[] bytes = said.getBytes(UTF_8);
    exchange.sendResponseHeaders(
        said.isEmpty() ? 404 : status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private String said(HttpExchange exchange, String path, String body) {
    if (body.contains("Action=AssumeRoleWithWebIdentity")) {
      return body.contains("WebIdentityToken=token-of-the-pod") && body.contains(ROLE)
          ? sts("AssumeRoleWithWebIdentity", "ASIAWEB")
          : "";
    }
    if (body.contains("Action=AssumeRole&")) {
      String proof = String.valueOf(exchange.getRequestHeaders().getFirst("authorization"));
      return proof.contains("Credential=AKIALONGTERM/") ? sts("AssumeRole", "ASIAASSUMED") : "";
    }
    if (path.equals("/v1/credentials")) {
      String token = exchange.getRequestHeaders().getFirst("authorization");
      return "pod-token".equals(token) ? json("ASIAPOD") : "";
    }
    if (path.equals("/latest/api/token")) {
      exchange.getResponseHeaders().add("x-aws-ec2-metadata-token-ttl-seconds", "21600");
      return "metadata-token";
    }
    if (path.contains("/security-credentials")) {
      return path.endsWith("/relay-role") ? json("ASIAINSTANCE") : "relay-role";
    }
    return "";
  }

  private String json(String id) {
    return """
    {"Code":"Success","Type":"AWS-HMAC","AccountId":"123456789012","LastUpdated":"2026-11-27T00:00:00Z",
     "AccessKeyId":"%s","SecretAccessKey":"secret","Token":"session","Expiration":"%s"}
    """
        .formatted(id, end);
  }

  private String sts(String action, String id) {
    return """
    <%1$sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%1$sResult><Credentials>
    <AccessKeyId>%2$s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
    <SessionToken>session</SessionToken><Expiration>%3$s</Expiration></Credentials>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/relay/r</Arn>
    <AssumedRoleId>A:r</AssumedRoleId></AssumedRoleUser></%1$sResult></%1$sResponse>
    """
        .formatted(action, id, end);
  }

  private void finds(String id) throws IOException {
    AccessToken found = new MachineKeys(InstantSource.system()).fetch();
    assertEquals(
        new Credential.AwsKey(id, new Secret("secret"), new Secret("session")),
        MachineKeys.keyOf(found.value()));
    assertEquals(end, found.expiresAt());
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }

  @Test
  void a_web_identity_of_a_service_account_in_kubernetes() throws IOException {
    set("aws.roleArn", ROLE);
    set("aws.webIdentityTokenFile", file("token", "token-of-the-pod").toString());
    finds("ASIAWEB");
  }

  @Test
  void a_pod_identity() throws IOException {
    set("aws.containerCredentialsFullUri", url() + "/v1/credentials");
    set("aws.containerAuthorizationTokenFile", file("pod", "pod-token").toString());
    finds("ASIAPOD");
  }

  @Test
  void the_role_of_an_instance() throws IOException {
    set("aws.disableEc2Metadata", "false");
    finds("ASIAINSTANCE");
    assertTrue(asked.getFirst().startsWith("PUT /latest/api/token"), asked.toString());
  }

  @Test
  void a_profile_that_assumes_a_role() throws IOException {
    Path config =
        file(
            "config",
            """
            [profile base]
            aws_access_key_id = AKIALONGTERM
            aws_secret_access_key = s
            [profile relay]
            role_arn = %s
            source_profile = base
            region = us-east-1
            """
                .formatted(ROLE));
    set("aws.configFile", config.toString());
    set("aws.profile", "relay");
    finds("ASIAASSUMED");
  }

  @Test
  void a_long_term_key_of_the_environment_is_looked_for_again_after_an_hour() throws Exception {
    set("aws.accessKeyId", "AKIALONGTERM");
    set("aws.secretAccessKey", "s");
    Instant now = Instant.parse("2026-11-27T00:00:00Z");
    AccessToken found = new MachineKeys(InstantSource.fixed(now)).fetch();
    Credential.AwsKey key = MachineKeys.keyOf(found.value());
    assertEquals("AKIALONGTERM", key.accessKeyId());
    assertNull(key.sessionToken());
    assertEquals(now.plus(Duration.ofHours(1)), found.expiresAt());
  }

  @Test
  void a_failure_quotes_no_answer() throws IOException {
    status = 500;
    set("aws.containerCredentialsFullUri", url() + "/v1/credentials");
    set("aws.containerAuthorizationToken", "pod-token");
    MachineKeys keys = new MachineKeys(InstantSource.system());
    IOException failure = assertThrows(IOException.class, keys::fetch);
    assertFalse(String.valueOf(failure.getMessage()).contains("pod-token"));
    assertNull(failure.getCause());
    status = 200;
    assertEquals(
        "ASIAPOD", MachineKeys.keyOf(Objects.requireNonNull(keys.fetch()).value()).accessKeyId());
  }
}
