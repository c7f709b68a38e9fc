package relay.upstream;

import java.util.Set;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.RequestBody;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.body.Upload;

/**
 * A builder of one request to a provider. Nothing leaves that HTTP forbids in a head, whatever
 * brought it: the checks of clients' requests come earlier, and another may be missing.
 */
public final class UpstreamRequest {
  /** Methods for which OkHttp requires a body, even an empty one. */
  private static final Set<String> WITH_BODY = Set.of("POST", "PUT", "PATCH");

  private final Request.Builder builder = new Request.Builder();
  private final Headers.Builder headers = new Headers.Builder();
  private final AttemptTrace trace = new AttemptTrace();
  private boolean hasUserAgent;
  private String method = "POST";

  /**
   * @param url by {@link UrlCache}, which checks its target
   */
  UpstreamRequest(HttpUrl url) {
    builder.url(url).tag(AttemptTrace.class, trace);
  }

  /** Sets a method other than POST. Such a request may have no body. */
  public void method(String other) {
    if (!SentLines.isToken(other)) {
      throw new IllegalArgumentException("a method that HTTP forbids");
    }
    method = other;
  }

  /** Adds a header line unchanged, in UTF-8. Drops a line that HTTP forbids. */
  public void header(String name, String value) {
    if (SentLines.isToken(name) && SentLines.isValue(value)) {
      headers.addUnsafeNonAscii(name, value);
      hasUserAgent |= name.equalsIgnoreCase("user-agent");
    }
  }

  /** The request without credential and provider-specific changes. */
  Request.Builder with(Payload body) {
    if (!hasUserAgent) {
      headers.set("user-agent", "relay"); // otherwise OkHttp adds its own
    }
    return builder.headers(headers.build()).method(method, bodyOf(body));
  }

  private @Nullable RequestBody bodyOf(Payload body) {
    Upload upload = body.upload();
    if (upload != null) {
      return new UploadBody(upload, trace);
    }
    boolean bare = body.length() == 0 && !WITH_BODY.contains(method);
    return bare ? null : new PayloadBody(body, trace);
  }

  AttemptTrace trace() {
    return trace;
  }
}
