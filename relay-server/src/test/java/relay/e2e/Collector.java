package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A collector of traces: takes OTLP over HTTP, and decodes its Protocol Buffers. */
final class Collector implements AutoCloseable {
  private final HttpServer server;
  private final List<Span> spans = new CopyOnWriteArrayList<>();

  /**
   * A span.
   *
   * @param kind 1 internal, 2 server, 3 client
   * @param status 0 unset, 2 error
   */
  record Span(
      String service,
      String trace,
      String id,
      String parent,
      String state,
      String name,
      long kind,
      long startNanos,
      long endNanos,
      long status,
      Map<String, String> attributes) {

    String get(String attribute) {
      return attributes.getOrDefault(attribute, "");
    }
  }

  Collector() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
    server.createContext("/v1/traces", this::take);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** The spans of a trace so far, in the order of their starts. */
  List<Span> trace(String id) {
    return spans.stream()
        .filter(span -> span.trace().equals(id))
        .sorted((a, b) -> Long.compare(a.startNanos(), b.startNanos()))
        .toList();
  }

  List<Span> spans() {
    return spans;
  }

  private void take(HttpExchange exchange) throws IOException {
    try (exchange) {
      Message request = new Message(exchange.getRequestBody().readAllBytes());
      for (Message ofResource : request.messages(1)) {
        Map<String, String> resource = attributes(ofResource.messages(1).getFirst(), 1);
        for (Message ofScope : ofResource.messages(2)) {
          ofScope.messages(2).forEach(span -> spans.add(span(resource, span)));
        }
      }
      exchange.sendResponseHeaders(200, -1);
    }
  }

  private static Span span(Map<String, String> resource, Message span) {
    return new Span(
        resource.getOrDefault("service.name", ""),
        span.hex(1),
        span.hex(2),
        span.hex(4),
        span.text(3),
        span.text(5),
        span.number(6),
        span.number(7),
        span.number(8),
        span.messages(15).stream().mapToLong(status -> status.number(3)).sum(),
        attributes(span, 9));
  }

  private static Map<String, String> attributes(Message holder, int field) {
    Map<String, String> attributes = new TreeMap<>();
    for (Message attribute : holder.messages(field)) {
      Message value = attribute.messages(2).getFirst();
      String text =
          value.has(1)
              ? value.text(1)
              : value.has(2) ? value.number(2) == 1 ? "true" : "false" : "" + value.number(3);
      attributes.put(attribute.text(1), text);
    }
    return attributes;
  }

  @Override
  public void close() {
    server.stop(0);
  }

  /** A message of Protocol Buffers: its fields by number. */
  private static final class Message {
    private final Map<Integer, List<byte[]>> bytes = new TreeMap<>();
    private final Map<Integer, Long> numbers = new TreeMap<>();

    Message(byte[] encoded) {
      ByteBuffer in = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
      while (in.hasRemaining()) {
        int tag = (int) varint(in);
        int field = tag >>> 3;
        switch (tag & 7) {
          case 0 -> numbers.put(field, varint(in));
          case 1 -> numbers.put(field, in.getLong());
          case 2 -> {
            byte[] value = new byte[(int) varint(in)];
            in.get(value);
            bytes.computeIfAbsent(field, _ -> new ArrayList<>()).add(value);
          }
          case 5 -> numbers.put(field, (long) in.getInt());
          default -> throw new IllegalArgumentException("wire type of tag " + tag);
        }
      }
    }

    private static long varint(ByteBuffer in) {
      long value = 0;
      for (int shift = 0; ; shift += 7) {
        byte next = in.get();
        value |= (next & 0x7FL) << shift;
        if (next >= 0) {
          return value;
        }
      }
    }

    boolean has(int field) {
      return bytes.containsKey(field) || numbers.containsKey(field);
    }

    List<Message> messages(int field) {
      return bytes.getOrDefault(field, List.of()).stream().map(Message::new).toList();
    }

    private byte[] first(int field) {
      return has(field) ? bytes.getOrDefault(field, List.of()).getFirst() : new byte[0];
    }

    String text(int field) {
      return new String(first(field), UTF_8);
    }

    String hex(int field) {
      return HexFormat.of().formatHex(first(field));
    }

    long number(int field) {
      return numbers.getOrDefault(field, 0L);
    }
  }
}
