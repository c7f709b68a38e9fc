package relay.load;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * The calls by which a worker takes part in the pools.
 *
 * @param isKeyed whether each acquire has an {@code idempotency_key}, as the clients in
 *     deploy/leases send it
 */
record WorkerCalls(boolean isKeyed) {
  private static final String USED = "{\"input_tokens\":900,\"output_tokens\":150}";

  /** An acquire. */
  ByteBuffer acquire() {
    String key = isKeyed ? ",\"idempotency_key\":\"" + UUID.randomUUID() + "\"" : "";
    return request(
        "",
        "{\"model\":\"claude-sonnet-4-5\",\"input_tokens\":1000,\"max_tokens\":1024" + key + "}");
  }

  /** The settle of a lease. */
  ByteBuffer settle(String id) {
    return request("/" + id + "/settle", USED);
  }

  private static ByteBuffer request(String path, String body) {
    String text =
        "POST /v1/relay/leases"
            + path
            + " HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            + "user-agent: benchmark\r\nauthorization: Bearer "
            + LeaseLoop.WORKER_KEY
            + "\r\ncontent-length: "
            + body.length()
            + "\r\n\r\n"
            + body;
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }
}
