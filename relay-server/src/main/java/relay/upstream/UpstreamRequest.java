package relay.upstream;

import java.util.Set;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import relay.body.Payload;

/** One request to a provider, built up line by line. */
public final class UpstreamRequest {
  /** Methods that OkHttp sends only with a body, be it an empty one. */
  private static final Set<String> WITH_BODY = Set.of("POST", "PUT", "PATCH");

  private final Request.Builder builder = new Request.Builder();
  private final Headers.Builder headers = new Headers.Builder();
  private final AttemptTrace trace = new AttemptTrace();
  private boolean hasUserAgent;
  private String method = "POST";

  UpstreamRequest(HttpUrl url) {
    builder.url(url).tag(AttemptTrace.class, trace);
  }

  /** Sets another method than POST. Such a request may go without a body. */
  public void method(String other) {
    method = other;
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

  /** The request as it would go to a provider that needs nothing more. */
  Request.Builder with(Payload body) {
    if (!hasUserAgent) {
      headers.set("user-agent", "relay"); // OkHttp would put in its own
    }
    boolean bare = body.length() == 0 && !WITH_BODY.contains(method);
    return builder
        .headers(headers.build())
        .method(method, bare ? null : new PayloadBody(body, trace));
  }

  AttemptTrace trace() {
    return trace;
  }
}
