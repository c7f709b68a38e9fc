package relay.upstream;

import okhttp3.HttpUrl;
import okhttp3.Request;
import relay.config.Secret;
import relay.model.Dialect;

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

  /** Sets the provider's credential as its dialect wants it. */
  void credential(Dialect dialect, Secret secret) {
    switch (dialect) {
      case ANTHROPIC -> builder.header("x-api-key", secret.reveal());
      case OPENAI -> builder.header("authorization", "Bearer " + secret.reveal());
    }
  }

  Request build(byte[] body) {
    ownUserAgent();
    return builder.post(new BytesBody(body)).build();
  }

  Request buildGet() {
    ownUserAgent();
    return builder.get().build();
  }

  private void ownUserAgent() {
    if (!hasUserAgent) {
      builder.header("user-agent", "relay"); // OkHttp would put in its own
    }
  }

  AttemptTrace trace() {
    return trace;
  }
}
