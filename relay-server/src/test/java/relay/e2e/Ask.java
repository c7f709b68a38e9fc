package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import relay.model.Dialect;

/** A builder of a client's request. */
final class Ask {
  /** The default client's credential in these tests. */
  static final String CLIENT_KEY = "client-secret-5f1c7d";

  private String method = "POST";
  private String host = "relay.test";
  private String target;
  private String credential;
  private String contentType = "content-type: application/json";
  private final List<String> headers = new ArrayList<>();
  private byte[] body;
  private int chunk;

  private Ask(Dialect dialect, String body) {
    this.body = body.getBytes(UTF_8);
    target =
        switch (dialect) {
          case ANTHROPIC -> "/v1/messages";
          case OPENAI -> "/v1/chat/completions";
        };
    credential =
        switch (dialect) {
          case ANTHROPIC -> "x-api-key: " + CLIENT_KEY;
          case OPENAI -> "authorization: Bearer " + CLIENT_KEY;
        };
    if (dialect == Dialect.ANTHROPIC) {
      headers.add("anthropic-version: 2023-06-01");
    }
  }

  /** A short request to a model. */
  static Ask of(Dialect dialect, String model) {
    return new Ask(dialect, body(model, ""));
  }

  /** The same with a streamed answer. */
  static Ask stream(Dialect dialect, String model) {
    return new Ask(dialect, body(model, "\"stream\":true,"));
  }

  /** A body with further members before the messages, such as {@code "stream":true,}. */
  static String body(String model, String members) {
    return "{\"model\":\"%s\",%s\"messages\":[{\"role\":\"user\",\"content\":\"Hello, who are you?\"}]}"
        .formatted(model, members);
  }

  Ask method(String other) {
    method = other;
    return this;
  }

  Ask host(String other) {
    host = other;
    return this;
  }

  Ask target(String other) {
    target = other;
    return this;
  }

  /** Uses the credential of a client from {@link Setup#client}. */
  Ask from(String client) {
    return credential("x-api-key: " + Setup.clientKey(client));
  }

  /** The header line with the credential; empty for none. */
  Ask credential(String line) {
    credential = line;
    return this;
  }

  /** The header line with the body's type; empty for none. */
  Ask contentType(String line) {
    contentType = line;
    return this;
  }

  Ask header(String line) {
    headers.add(line);
    return this;
  }

  Ask body(String other) {
    return body(other.getBytes(UTF_8));
  }

  Ask body(byte[] other) {
    body = other;
    return this;
  }

  /** Sends the body with chunked encoding, in chunks of this size. */
  Ask chunked(int bytes) {
    chunk = bytes;
    return this;
  }

  byte[] bytes() {
    StringBuilder head = new StringBuilder();
    head.append(method)
        .append(' ')
        .append(target)
        .append(" HTTP/1.1\r\nhost: ")
        .append(host)
        .append("\r\n");
    List<String> lines = new ArrayList<>(headers);
    lines.add(credential);
    lines.add(contentType);
    if (chunk > 0) {
      lines.add("transfer-encoding: chunked");
    } else if (!method.equals("GET") && !method.equals("HEAD")) {
      lines.add("content-length: " + body.length);
    }
    lines.stream().filter(line -> !line.isEmpty()).forEach(l -> head.append(l).append("\r\n"));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(head.append("\r\n").toString().getBytes(UTF_8));
    if (chunk == 0) {
      out.writeBytes(method.equals("GET") || method.equals("HEAD") ? new byte[0] : body);
      return out.toByteArray();
    }
    for (int from = 0; from < body.length; from += chunk) {
      int length = Math.min(chunk, body.length - from);
      out.writeBytes((Integer.toHexString(length) + "\r\n").getBytes(UTF_8));
      out.write(body, from, length);
      out.writeBytes("\r\n".getBytes(UTF_8));
    }
    out.writeBytes("0\r\n\r\n".getBytes(UTF_8));
    return out.toByteArray();
  }
}
