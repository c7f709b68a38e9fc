package relay.trial.workers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import relay.trial.load.PlainConnection.Answer;
import relay.trial.load.RequestBytes;

/** A worker's calls to Relay, to each replica in turn. {@code docs/leases.md} describes them. */
final class RelayCalls implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PATH = "/v1/relay/leases";
  private static final int WAIT_MS = 2_000;

  /** No room within the time waited; the answer tells when to ask again. */
  static final class NoRoomException extends Exception {
    private static final long serialVersionUID = 1;
    private final long waitMs;

    NoRoomException(long waitMs) {
      this.waitMs = waitMs;
    }

    long waitMs() {
      return waitMs;
    }
  }

  /** The members of a lease that count here. */
  record Lease(String id, String key, int requests) {}

  private final List<HttpCalls> replicas;
  private final String apiKey;
  private int calls;

  RelayCalls(List<InetSocketAddress> replicas, String apiKey) {
    this.replicas = replicas.stream().map(HttpCalls::new).toList();
    this.apiKey = apiKey;
  }

  /**
   * Acquires a lease.
   *
   * @param partial whether Relay may grant fewer requests
   * @param inputTokens of one request, as {@code outputTokens}
   */
  Lease acquire(int requests, boolean partial, int inputTokens, int outputTokens, long ttlMs)
      throws IOException, NoRoomException {
    ObjectNode wanted =
        JSON.createObjectNode()
            .put("model", RequestBytes.MESSAGES_MODEL)
            .put("input_tokens", requests * inputTokens)
            .put("output_tokens", requests * outputTokens)
            .put("requests", requests)
            .put("partial", partial)
            .put("ttl_ms", ttlMs)
            .put("wait_ms", WAIT_MS);
    Answer answer = post("", wanted);
    if (answer.status() == 429) {
      throw new NoRoomException(Long.parseLong(answer.header("retry-after-ms")));
    }
    JsonNode lease = JSON.readTree(expect(answer, "an acquire").bodyEnd());
    return new Lease(
        lease.path("lease").asText(), lease.path("key").asText(), lease.path("requests").asInt());
  }

  /** Reports output, and renews; returns whether the lease is open. */
  boolean progress(Lease lease, long outputTokens) throws IOException {
    ObjectNode made = JSON.createObjectNode().put("output_tokens", outputTokens);
    Answer answer = post("/" + lease.id() + "/progress", made);
    return answer.status() != 404 && expect(answer, "a progress").status() == 200;
  }

  void settle(Lease lease, int requests, Spent used) throws IOException {
    ObjectNode usage =
        JSON.createObjectNode()
            .put("input_tokens", used.inputTokens())
            .put("output_tokens", used.outputTokens())
            .put("requests", requests);
    expect(post("/" + lease.id() + "/settle", usage), "a settle");
  }

  /** Passes the provider's refusal on; it ends the lease. */
  void refused(Lease lease, Answer refusal) throws IOException {
    ObjectNode told = JSON.createObjectNode().put("status", refusal.status());
    ObjectNode headers = told.putObject("headers");
    refusal.headers().forEach(headers::put);
    told.put("body", refusal.bodyEnd());
    expect(post("/" + lease.id() + "/refused", told), "a refusal");
  }

  private static Answer expect(Answer answer, String what) throws IOException {
    if (answer.status() != 200) {
      throw new IOException(what + " got status " + answer.status() + ": " + answer.bodyEnd());
    }
    return answer;
  }

  private Answer post(String path, ObjectNode body) throws IOException {
    String json = body.toString();
    String head =
        "POST "
            + PATH
            + path
            + " HTTP/1.1\r\n"
            + "Host: 127.0.0.1\r\n"
            + "Content-Type: application/json\r\n"
            + "Authorization: Bearer "
            + apiKey
            + "\r\nContent-Length: "
            + json.getBytes(StandardCharsets.UTF_8).length
            + "\r\n\r\n";
    byte[] request = (head + json).getBytes(StandardCharsets.UTF_8);
    return replicas.get(calls++ % replicas.size()).exchange(request);
  }

  @Override
  public void close() {
    replicas.forEach(HttpCalls::close);
  }
}
