package relay.config;

import java.net.URI;
import relay.model.Dialect;

/** A kind of upstream API: the dialect that it speaks and where it is found by default. */
public enum ProviderType {
  ANTHROPIC(Dialect.ANTHROPIC, "https://api.anthropic.com"),
  OPENAI(Dialect.OPENAI, "https://api.openai.com"),
  ZAI(Dialect.ANTHROPIC, "https://api.z.ai/api/anthropic"),
  MINIMAX(Dialect.ANTHROPIC, "https://api.minimax.io/anthropic"),
  /** Asks for no credential: its keys may be any word. */
  OLLAMA(Dialect.OPENAI, "http://localhost:11434");

  private final Dialect dialect;
  private final URI defaultBaseUrl;

  ProviderType(Dialect dialect, String defaultBaseUrl) {
    this.dialect = dialect;
    this.defaultBaseUrl = URI.create(defaultBaseUrl);
  }

  public Dialect dialect() {
    return dialect;
  }

  public URI defaultBaseUrl() {
    return defaultBaseUrl;
  }
}
