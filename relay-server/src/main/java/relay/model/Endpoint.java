package relay.model;

import org.jspecify.annotations.Nullable;

/** A data plane path whose request bodies Relay scans. */
public enum Endpoint {
  MESSAGES("/v1/messages", Dialect.ANTHROPIC, true),
  COUNT_TOKENS("/v1/messages/count_tokens", Dialect.ANTHROPIC, false),
  CHAT_COMPLETIONS("/v1/chat/completions", Dialect.OPENAI, true),
  RESPONSES("/v1/responses", Dialect.OPENAI, true),
  EMBEDDINGS("/v1/embeddings", Dialect.OPENAI, true);

  private final String path;
  private final Dialect dialect;
  private final boolean counted;

  Endpoint(String path, Dialect dialect, boolean counted) {
    this.path = path;
    this.dialect = dialect;
    this.counted = counted;
  }

  /** The path without a query. */
  public String path() {
    return path;
  }

  /** The dialect of the endpoint. */
  public Dialect dialect() {
    return dialect;
  }

  /** Whether requests count against a key's limits. */
  public boolean counted() {
    return counted;
  }

  /** The endpoint at a path; null if there is none. */
  public static @Nullable Endpoint at(String path) {
    for (Endpoint endpoint : values()) {
      if (endpoint.path.equals(path)) {
        return endpoint;
      }
    }
    return null;
  }
}
