package relay.bedrock;

import java.util.Map;

/** One message of an event stream: its text headers and its payload. */
final class EventMessage {
  private final Map<String, String> headers;
  private final byte[] payload;

  EventMessage(Map<String, String> headers, byte[] payload) {
    this.headers = headers;
    this.payload = payload;
  }

  /** A header's text; empty if absent. */
  String header(String name) {
    return headers.getOrDefault(name, "");
  }

  byte[] payload() {
    return payload;
  }
}
