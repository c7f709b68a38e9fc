package relay.upstream;

import okhttp3.HttpUrl;
import okhttp3.Request;

/** One request to a provider, built up line by line. */
public final class UpstreamRequest {
  private final Request.Builder builder = new Request.Builder();
  private final AttemptTrace trace = new AttemptTrace();
  private boolean hasUserAgent;

  UpstreamRequest(HttpUrl url) {
    builder.url(url).tag(AttemptTrace.class, trace);
  }

  /** Adds a header line as it is; a line that no HTTP message may carry is left out. */
  public void header(String name, String value) {
    try {
      builder.addHeader(name, value);
      hasUserAgent |= name.equalsIgnoreCase("user-agent");
    } catch (IllegalArgumentException e) {
      // bytes beyond ASCII in a value, which the server's side let in
      return;
    }
  }

  Request build(byte[] body) {
    if (!hasUserAgent) {
      builder.header("user-agent", "relay"); // OkHttp would put in its own
    }
    return builder.post(new BytesBody(body)).build();
  }

  AttemptTrace trace() {
    return trace;
  }
}
