package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import okhttp3.MediaType;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.BufferedSource;
import relay.model.JsonString;

/**
 * Converts cloud errors to Anthropic's error format, because clients read type and message there.
 * An error already in that format passes unchanged.
 */
final class CloudErrors {
  private static final int MOST_BYTES = 64 * 1024;
  private static final MediaType JSON = MediaType.get("application/json");

  private CloudErrors() {}

  static Response inDialect(Response response) throws IOException {
    byte[] body;
    try (response) {
      BufferedSource source = response.body().source();
      try {
        source.request(MOST_BYTES);
      } catch (IOException e) {
        // the body is unreadable, but the error status is known
      }
      body = source.readByteArray(Math.min(MOST_BYTES, source.getBuffer().size()));
    }
    return response
        .newBuilder()
        .header("content-type", JSON.toString())
        .removeHeader("content-encoding") // the new body is not compressed
        .body(ResponseBody.create(inDialect(response.code(), body), JSON))
        .build();
  }

  static byte[] inDialect(int status, byte[] body) throws IOException {
    JsonNode root = read(body);
    if (root.path("type").asText().equals("error") && root.path("error").isObject()) {
      return body;
    }
    return "{\"type\":\"error\",\"error\":{\"type\":%s,\"message\":%s}}"
        .formatted(JsonString.quote(type(status)), JsonString.quote(message(status, root)))
        .getBytes(UTF_8);
  }

  private static JsonNode read(byte[] body) throws IOException {
    try {
      JsonNode root = new JsonMapper().readTree(body);
      return root.isArray() ? root.path(0) : root; // Google streams its errors as a list
    } catch (JacksonException e) {
      return MissingNode.getInstance();
    }
  }

  private static String message(int status, JsonNode root) {
    for (JsonNode place :
        new JsonNode[] {
          root.path("message"), root.path("Message"), root.path("error").path("message")
        }) {
      if (place.isTextual()) {
        return place.asText();
      }
    }
    return "the provider answered " + status;
  }

  private static String type(int status) {
    return switch (status) {
      case 401 -> "authentication_error";
      case 403 -> "permission_error";
      case 404 -> "not_found_error";
      case 408, 504 -> "timeout_error";
      case 413 -> "request_too_large";
      case 429 -> "rate_limit_error";
      case 503, 529 -> "overloaded_error";
      default -> status < 500 ? "invalid_request_error" : "api_error";
    };
  }
}
