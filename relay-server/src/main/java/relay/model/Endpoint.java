package relay.model;

import org.jspecify.annotations.Nullable;

/** A path of the data plane that Relay accounts for. */
public enum Endpoint {
  MESSAGES("/v1/messages", Dialect.ANTHROPIC),
  CHAT_COMPLETIONS("/v1/chat/completions", Dialect.OPENAI);

  private final String path;
  private final Dialect dialect;

  Endpoint(String path, Dialect dialect) {
    this.path = path;
    this.dialect = dialect;
  }

  /** The request's path, query excluded. */
  public String path() {
    return path;
  }

  /** The dialect that is spoken there. */
  public Dialect dialect() {
    return dialect;
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
