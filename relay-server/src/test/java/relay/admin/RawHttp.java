package relay.admin;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Sends requests with arbitrary headers: the JDK's client does not allow setting Host and Origin.
 */
record RawHttp(int port) {
  record Answer(int status, String head, String body) {
    /** A header's value; empty if absent. */
    String header(String name) {
      return head.lines()
          .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
          .map(line -> line.substring(name.length() + 1).strip())
          .findFirst()
          .orElse("");
    }
  }

  String origin() {
    return "http://127.0.0.1:" + port;
  }

  Answer get(String path) throws IOException {
    return send("GET", path, "");
  }

  Answer post(String path, String body) throws IOException {
    return send("POST", path, body);
  }

  /** Sends a request; header names and values alternate. */
  Answer send(String method, String path, String body, String... headers) throws IOException {
    StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\n");
    boolean hasHost = false;
    for (int n = 0; n < headers.length; n += 2) {
      hasHost |= headers[n].equals("Host");
      request.append(headers[n]).append(": ").append(headers[n + 1]).append("\r\n");
    }
    if (!hasHost) {
      request.append("Host: 127.0.0.1:").append(port).append("\r\n");
    }
    request.append("Connection: close\r\n");
    if (!body.isEmpty() || method.equals("POST")) {
      request.append("Content-Length: ").append(body.length()).append("\r\n");
    }
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(30_000);
      socket
          .getOutputStream()
          .write((request + "\r\n" + body).getBytes(StandardCharsets.ISO_8859_1));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int blank = answer.indexOf("\r\n\r\n");
      String head = answer.substring(0, blank);
      String content = answer.substring(blank + 4);
      return new Answer(
          Integer.parseInt(head.substring(9, 12)),
          head,
          head.toLowerCase(Locale.ROOT).contains("transfer-encoding: chunked")
              ? unchunked(content)
              : content);
    }
  }

  private static String unchunked(String content) {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    StringBuilder whole = new StringBuilder();
    int at = 0;
    while (true) {
      int end = at;
      while (bytes[end] != '\r') {
        end++;
      }
      int size = Integer.parseInt(new String(bytes, at, end - at, StandardCharsets.US_ASCII), 16);
      if (size == 0) {
        return whole.toString();
      }
      whole.append(new String(bytes, end + 2, size, StandardCharsets.UTF_8));
      at = end + 2 + size + 2;
    }
  }
}
