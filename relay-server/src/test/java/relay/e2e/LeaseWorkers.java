package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import relay.model.Dialect;

/** Calls about leases at two replicas: each goes to another one than the call before. */
record LeaseWorkers(Replicas replicas, AtomicInteger calls) {
  static final String LEASES = "/v1/relay/leases";

  LeaseWorkers(Replicas replicas) {
    this(replicas, new AtomicInteger());
  }

  int nextPort() {
    return replicas.port(calls.getAndIncrement() % 2);
  }

  static Ask ask(String client, String method, String path, String body) {
    return Ask.of(Dialect.OPENAI, "").method(method).target(path).from(client).body(body);
  }

  Answer call(String client, String method, String path, String body) throws IOException {
    return RawClient.ask(nextPort(), ask(client, method, path, body));
  }

  /** A wish for the model of a pool's name; more members of the body begin with a comma. */
  static Ask wish(String client, String pool, String more) {
    return ask(
        client,
        "POST",
        LEASES,
        "{\"model\":\"%s\",\"provider\":\"%s\",\"input_tokens\":100,\"output_tokens\":10%s}"
            .formatted(pool, pool, more));
  }

  Answer acquire(String client, String pool, String more) throws IOException {
    return RawClient.ask(nextPort(), wish(client, pool, more));
  }

  JsonNode granted(String client, String pool, String more) throws IOException {
    Answer answer = acquire(client, pool, more);
    assertEquals(200, answer.status(), answer::text);
    return answer.json();
  }

  /** Refused with a status; gives the error. */
  JsonNode refused(int status, String client, String pool, String more) throws IOException {
    Answer answer = acquire(client, pool, more);
    assertEquals(status, answer.status(), answer::text);
    return answer.json().get("error");
  }

  static String path(JsonNode lease, String what) {
    return LEASES + "/" + lease.get("lease").asText() + (what.isEmpty() ? "" : "/" + what);
  }

  Answer tell(String client, JsonNode lease, String what, String body) throws IOException {
    return call(client, "POST", path(lease, what), body);
  }

  void told(int status, String client, JsonNode lease, String what, String body)
      throws IOException {
    Answer answer = tell(client, lease, what, body);
    assertEquals(status, answer.status(), answer::text);
  }

  void settled(String client, JsonNode lease, long input, long output) throws IOException {
    told(
        200,
        client,
        lease,
        "settle",
        "{\"input_tokens\":%d,\"output_tokens\":%d}".formatted(input, output));
  }

  void cancelled(String client, JsonNode lease) throws IOException {
    assertEquals(200, call(client, "DELETE", path(lease, ""), "").status());
  }

  JsonNode pool(String name) throws IOException {
    return replicas.admin(calls.getAndIncrement() % 2, "/pools/" + name).json();
  }

  /** The sum of a metric over both replicas. */
  double metric(String series) throws IOException {
    return replicas.metric(0, series) + replicas.metric(1, series);
  }
}
