package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.ArrayList;
import java.util.List;

/**
 * A malformed or unusual request, with the expected outcome.
 *
 * @param status the status of the answer
 * @param closes whether Relay closes the connection; otherwise it serves further requests
 * @param reaches whether the provider receives the request
 */
record Hostile(String name, String wire, int status, boolean closes, boolean reaches) {
  private static final String BODY = "{\"model\":\"anthropic\",\"messages\":[]}";
  private static final String LENGTH = "content-length: " + BODY.length() + "\n";
  private static final String HEX = Integer.toHexString(BODY.length());
  private static final String CHUNKED = "transfer-encoding: chunked\n";
  private static final String CHUNKS = HEX + "\r\n" + BODY + "\r\n0\r\n\r\n";
  private static final String INNER = request("/v1/messages", "x-smuggled: 1\n" + LENGTH, BODY);

  @Override
  public String toString() {
    return name;
  }

  byte[] bytes() {
    return wire.getBytes(ISO_8859_1);
  }

  /** Replaces LF in the head with CRLF; the body stays unchanged. */
  private static String request(String target, String lines, String body) {
    return line("POST " + target + " HTTP/1.1", lines, body);
  }

  private static String line(String line, String lines, String body) {
    String head = line + "\nhost: relay.test\nx-api-key: " + Ask.CLIENT_KEY + "\n";
    head += lines.contains("content-type") ? "" : "content-type: application/json\n";
    return (head + lines + "\n").replace("\n", "\r\n") + body;
  }

  private static String post(String lines) {
    return request("/v1/messages", lines, BODY);
  }

  private static String chunks(String body) {
    return request("/v1/messages", CHUNKED, body);
  }

  private static final class Table {
    private final List<Hostile> rows = new ArrayList<>();

    /** A request that gets a 400 and a closed connection, and never reaches the provider. */
    void refused(String name, String wire) {
      rows.add(new Hostile(name, wire, 400, true, false));
    }

    /** Gets a 431 and a closed connection. */
    void headTooLarge(String name, String wire) {
      rows.add(new Hostile(name, wire, 431, true, false));
    }

    void answered(int status, String name, String wire) {
      rows.add(new Hostile(name, wire, status, false, false));
    }

    void passes(String name, String wire) {
      rows.add(new Hostile(name, wire, 200, false, true));
    }
  }

  static List<Hostile> all() {
    Table table = new Table();
    lengths(table);
    encodings(table);
    chunks(table);
    lines(table);
    targets(table);
    methodsAndVersions(table);
    connections(table);
    bodies(table);
    return table.rows;
  }

  private static void lengths(Table t) {
    t.refused("length and chunked", request("/v1/messages", LENGTH + CHUNKED, CHUNKS));
    t.refused("chunked and length", request("/v1/messages", CHUNKED + LENGTH, CHUNKS));
    t.refused(
        "length 0 and chunked", request("/v1/messages", "content-length: 0\n" + CHUNKED, CHUNKS));
    t.refused("two equal lengths", post(LENGTH + LENGTH));
    t.refused("two lengths", post(LENGTH + "content-length: 5\n"));
    t.refused("a list of lengths", post("content-length: 35, 35\n"));
    for (String value : List.of("+35", "-35", "0x23", "3 5", "", "35.0", "35a", "\u00b2")) {
      t.refused("length '" + value + "'", post("content-length: " + value + "\n"));
    }
    t.refused("length 2^63", post("content-length: 9223372036854775808\n"));
    t.refused("length 2^64 + 35", post("content-length: 18446744073709551651\n"));
    t.refused("a folded length", post("content-length:\n 35\n"));
    t.passes("a length with zeros before", post("content-length: 000" + BODY.length() + "\n"));
    t.passes("a length with blanks around", post("content-length: \t" + BODY.length() + " \n"));
  }

  private static void encodings(Table t) {
    for (String value :
        List.of(
            "gzip, chunked",
            "gzip",
            "identity",
            "xchunked",
            "chunked, chunked",
            ", chunked",
            "chunked;q=1",
            "\"chunked\"")) {
      String lines = "transfer-encoding: " + value + "\n";
      t.refused("encoding " + value, request("/v1/messages", lines, CHUNKS));
    }
    t.refused("an encoding behind a vertical tab", post("transfer-encoding: \u000bchunked\n"));
    t.refused("two encodings", request("/v1/messages", CHUNKED + CHUNKED, CHUNKS));
    t.refused(
        "a folded encoding", request("/v1/messages", "transfer-encoding:\n chunked\n", CHUNKS));
    t.refused("a blank before the colon", post(LENGTH + "transfer-encoding : chunked\n"));
    t.passes("Chunked", request("/v1/messages", "Transfer-Encoding: Chunked\n", CHUNKS));
  }

  private static void chunks(Table t) {
    String rest = "\r\n0\r\n\r\n";
    for (String size :
        List.of("0x" + HEX, "+" + HEX, "-" + HEX, "zz", "", HEX + " ", " " + HEX, HEX + "\n")) {
      String name = "chunk size '" + size.replace("\n", "\\n") + "'";
      t.refused(name, chunks(size + "\r\n" + BODY + rest));
    }
    t.refused("a chunk size ends with LF", chunks(HEX + "\n" + BODY + rest));
    t.refused("a chunk size ends with CR", chunks(HEX + "\r" + BODY + rest));
    t.refused("chunk size 2^64 + n", chunks("10000000000000000" + HEX + "\r\n" + BODY + rest));
    t.refused("a chunk longer than its size", chunks("22\r\n" + BODY + rest));
    t.refused("a chunk without its CRLF", chunks(HEX + "\r\n" + BODY + "0\r\n\r\n"));
    t.refused("an extension with a line end", chunks(HEX + ";a=\"\n\"\r\n" + BODY + rest));
    t.refused("an endless extension", chunks(HEX + ";" + "a".repeat(5000) + "\r\n" + BODY + rest));
    t.refused("a folded trailer", chunks(HEX + "\r\n" + BODY + "\r\n0\r\nx: 1\r\n 2\r\n\r\n"));
    t.passes("an extension", chunks(HEX + ";a=b;c=\"d\"\r\n" + BODY + rest));
    t.passes("a trailer", chunks(HEX + "\r\n" + BODY + "\r\n0\r\nx-api-key: other\r\n\r\n"));
    t.passes("zeros before a size", chunks("000" + HEX + "\r\n" + BODY + rest));
  }

  private static void lines(Table t) {
    t.refused("a folded line", post("x-a: 1\n 2\n" + LENGTH));
    t.refused("a line folded with a tab", post("x-a: 1\n\t2\n" + LENGTH));
    t.refused("NUL in a value", post("x-a: a\u0000b\n" + LENGTH));
    t.refused("NUL in a name", post("x\u0000a: b\n" + LENGTH));
    t.refused("CR in a value", post("x-a: a\rb: c\n" + LENGTH));
    t.refused("a control character in a value", post("x-a: a\u0001b\n" + LENGTH));
    for (int b = 0xfc; b <= 0xff; b++) {
      t.refused("a byte " + b + " in a value", post("x-a: a" + (char) b + "b\n" + LENGTH));
    }
    t.refused("9,000 blanks in a value", post("x-a: a" + " ".repeat(9_000) + "b\n" + LENGTH));
    t.passes("8,000 blanks in a value", post("x-a: a" + " ".repeat(8_000) + "b\n" + LENGTH));
    t.passes("20,000 blanks before a value", post("x-a: " + " ".repeat(20_000) + "b\n" + LENGTH));
    t.refused("DEL in a value", post("x-a: a\u007fb\n" + LENGTH));
    t.refused("a value that is no UTF-8", post("x-a: \u00e9\n" + LENGTH));
    t.refused("lines that end with LF", post(LENGTH).replace("\r\n", "\n"));
    t.refused("no name", post(": b\n" + LENGTH));
    t.refused("no colon", post("garbage\n" + LENGTH));
    t.refused("a blank in a name", post("x a: b\n" + LENGTH));
    t.refused("brackets in a name", post("x(a): b\n" + LENGTH));
    t.refused("a name beyond ASCII", post("x\u00c3\u00a9: b\n" + LENGTH));
    t.refused("a head of 132 KB", post("x-a: " + "a".repeat(132_000) + "\n" + LENGTH));
    t.headTooLarge("a head of 70 KB", post("x-a: " + "a".repeat(70_000) + "\n" + LENGTH));
    StringBuilder many = new StringBuilder();
    for (int n = 0; n < 400; n++) {
      many.append("x-").append(n).append(": 1\n");
    }
    t.refused("400 header lines", post(many + LENGTH));
    t.refused("400 equal header lines", post("x-a: 1\n".repeat(400) + LENGTH));
    t.passes("a value in UTF-8", post("x-a: \u00c3\u00a9\n" + LENGTH));
    t.passes("a head of 50 KB", post("x-a: " + "a".repeat(50_000) + "\n" + LENGTH));
  }

  private static void targets(Table t) {
    for (String target :
        List.of(
            "http://evil.test/v1/messages",
            "https://u:p@evil.test/v1/messages",
            "evil.test:80",
            "*",
            "/v1/mess ages",
            "/v1/messages?a b",
            "/v1/messages?a=\u0001",
            "/v1/messages?a=\u0000",
            "/v1/messages?a=\u00c3\u00a9",
            "/v1/messages#a")) {
      String shown = target.substring(0, Math.min(40, target.length()));
      t.refused("target " + shown, request(target, LENGTH, BODY));
    }
    t.headTooLarge("a long target", request("/v1/messages?" + "a".repeat(70_000), LENGTH, BODY));
    for (String target :
        List.of(
            "/v1/x/../messages",
            "/v1/%6dessages",
            "//v1/messages",
            "/v1/messages/",
            "/v1/messages;a=1",
            "/v1;a/messages",
            "/v1/messages%00",
            "/V1/MESSAGES")) {
      t.answered(404, "target " + target, request(target, LENGTH, BODY));
    }
    t.passes("line ends escaped in the query", request("/v1/messages?a=%0d%0ab:c", LENGTH, BODY));
  }

  private static void methodsAndVersions(Table t) {
    t.rows.add(
        new Hostile("CONNECT", line("CONNECT relay.test:80 HTTP/1.1", "", ""), 405, true, false));
    for (String method : List.of("TRACE", "PUT", "DELETE", "OPTIONS", "post", "GET", "BREW")) {
      t.answered(405, method, line(method + " /v1/messages HTTP/1.1", LENGTH, BODY));
    }
    t.refused("a method with a bracket", line("PO(ST /v1/messages HTTP/1.1", LENGTH, BODY));
    t.refused("a method of 300 letters", line("A".repeat(300) + " / HTTP/1.1", LENGTH, BODY));
    for (String line :
        List.of(
            "POST  /v1/messages HTTP/1.1",
            "POST\t/v1/messages\tHTTP/1.1",
            "POST /v1/messages HTTP/1.1 ",
            "POST /v1/messages http/1.1",
            "POST /v1/messages HTTP/11",
            "POST /v1/messages HTTP/1.10",
            "POST /v1/messages HTTP/2.0",
            "POST /v1/messages",
            "GET /")) {
      t.refused("'" + line.replace("\t", "\\t") + "'", line(line, LENGTH, BODY));
    }
    t.refused("chunked in HTTP/1.0", line("POST /v1/messages HTTP/1.0", CHUNKED, CHUNKS));
    t.rows.add(
        new Hostile("HTTP/1.0", line("POST /v1/messages HTTP/1.0", LENGTH, BODY), 200, true, true));
    t.refused("garbage", "\u0016\u0003\u0001\u0002\u0000 a TLS hello or so\r\n\r\n");
    t.refused("no host", post(LENGTH).replace("host: relay.test\r\n", ""));
    t.refused("two hosts", post("host: b\n" + LENGTH));
    t.refused("a host with a path", post(LENGTH).replace("relay.test", "a/b?c"));
  }

  private static void connections(Table t) {
    t.passes("connection names the credential", post("connection: x-api-key\n" + LENGTH));
    t.passes("connection names the length", post("connection: content-length, host\n" + LENGTH));
    t.passes("two connection lines", post("connection: a\nConnection: b\na: 1\nb: 1\n" + LENGTH));
    t.passes("an upgrade to websocket", post("connection: upgrade\nupgrade: websocket\n" + LENGTH));
    t.passes(
        "an upgrade to h2c",
        post(
            "connection: upgrade, http2-settings\nupgrade: h2c\nhttp2-settings: AAMAAABk\n"
                + LENGTH));
    String hidden = "content-length: " + INNER.length() + "\n";
    t.answered(404, "a request as the body of a 404", request("/v1/nothing", hidden, INNER));
    t.answered(
        405, "a request as the body of a 405", line("DELETE /v1/messages HTTP/1.1", hidden, INNER));
    t.answered(
        401,
        "a request as the body of a 401",
        request("/v1/messages", hidden, INNER).replaceFirst(Ask.CLIENT_KEY, "wrong"));
    t.answered(400, "a request as the body of a 400", request("/v1/messages", hidden, INNER));
  }

  private static void bodies(Table t) {
    t.answered(415, "a gzip body", post("content-encoding: gzip\n" + LENGTH));
    t.answered(415, "a gzip body, unnamed case", post("Content-Encoding: GZIP\n" + LENGTH));
    t.refused(
        "two content encodings",
        post("content-encoding: identity\ncontent-encoding: gzip\n" + LENGTH));
    t.refused(
        "two content types",
        post("content-type: application/json\ncontent-type: text/plain\n" + LENGTH));
    t.answered(
        400, "a type that begins like JSON's", post("content-type: application/jsonp\n" + LENGTH));
    t.answered(400, "no body", request("/v1/messages", "", ""));
    String deep = "{\"model\":\"anthropic\",\"a\":" + "[".repeat(100_000);
    t.answered(400, "100,000 levels", sized(deep + "]".repeat(100_000) + "}"));
    t.answered(
        400,
        "a level too many",
        sized("{\"model\":\"anthropic\",\"a\":" + "[".repeat(512) + "]".repeat(512) + "}"));
    t.passes(
        "511 levels",
        sized("{\"model\":\"anthropic\",\"a\":" + "[".repeat(511) + "]".repeat(511) + "}"));
    t.passes(
        "a number of 100,000 digits",
        sized("{\"model\":\"anthropic\",\"a\":" + "9".repeat(100_000) + "}"));
    t.passes(
        "an exponent of 10,000 digits",
        sized("{\"model\":\"anthropic\",\"a\":1e" + "9".repeat(10_000) + "}"));
    t.answered(
        400,
        "max_tokens of 400 digits",
        sized("{\"model\":\"anthropic\",\"max_tokens\":" + "9".repeat(400) + "}"));
    t.answered(400, "two models", sized("{\"model\":\"anthropic\",\"m\\u006fdel\":\"b\"}"));
    t.answered(400, "a model of 10 KB", sized("{\"model\":\"" + "m".repeat(10_000) + "\"}"));
    t.answered(400, "a model with a line end", sized("{\"model\":\"a\\nb\"}"));
    t.answered(400, "no UTF-8", sized("{\"model\":\"anthropic\",\"a\":\"\u00ff\"}"));
    t.answered(400, "an overlong slash", sized("{\"model\":\"anthropic\",\"a\":\"\u00c0\u00af\"}"));
    t.answered(
        400,
        "a surrogate in UTF-8",
        sized("{\"model\":\"anthropic\",\"a\":\"\u00ed\u00a0\u0080\"}"));
    t.answered(400, "UTF-16", sized("\u00fe\u00ff\u0000{\u0000}"));
    t.answered(400, "NUL after the body", sized(BODY + "\u0000"));
    t.answered(400, "two documents", sized(BODY + BODY));
  }

  private static String sized(String body) {
    return request("/v1/messages", "content-length: " + body.length() + "\n", body);
  }
}
