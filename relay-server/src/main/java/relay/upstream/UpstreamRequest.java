package relay.upstream;

import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import relay.config.Secret;
import relay.model.Dialect;

/** One request to a provider, built up line by line. */
public final class UpstreamRequest {
  private final Request.Builder builder = new Request.Builder();
  private final Headers.Builder headers = new Headers.Builder();
  private final AttemptTrace trace = new AttemptTrace();
  private boolean hasUserAgent;

  UpstreamRequest(HttpUrl url) {
    builder.url(url).tag(AttemptTrace.class, trace);
  }

  /** Adds a header line as it is, in UTF-8; a line that no HTTP message may carry is left out. */
  public void header(String name, String value) {
    try {
      headers.addUnsafeNonAscii(name, value);
      hasUserAgent |= name.equalsIgnoreCase("user-agent");
    } catch (IllegalArgumentException e) {
      return; // an odd name: HTTP/2 clients are not held to HTTP/1.1's
    }
  }

  /** Sets the provider's credential as its dialect wants it. */
  void credential(Dialect dialect, Secret secret) {
    switch (dialect) {
      case ANTHROPIC -> headers.set("x-api-key", secret.reveal());
      case OPENAI -> headers.set("authorization", "Bearer " + secret.reveal());
    }
  }

  Request build(byte[] body) {
    if (!hasUserAgent) {
      headers.set("user-agent", "relay"); // OkHttp would put in its own
    }
    return builder.headers(headers.build()).post(new BytesBody(body)).build();
  }

  AttemptTrace trace() {
    return trace;
  }
}
