package relay.config;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import relay.model.Dialect;

/** A kind of upstream API, with its dialect and default base URL. */
public enum ProviderType {
  ANTHROPIC(Dialect.ANTHROPIC, "https://api.anthropic.com"),
  OPENAI(Dialect.OPENAI, "https://api.openai.com"),
  ZAI(Dialect.ANTHROPIC, "https://api.z.ai/api/anthropic"),
  MINIMAX(Dialect.ANTHROPIC, "https://api.minimax.io/anthropic"),
  /** Needs no credential: keys may omit the secret. */
  OLLAMA(Dialect.OPENAI, "http://localhost:11434"),
  /** Each customer has its own host. */
  AZURE(Dialect.OPENAI, null),
  /** The host depends on the region; the same holds for {@link #VERTEX}. */
  BEDROCK(Dialect.ANTHROPIC, null),
  VERTEX(Dialect.ANTHROPIC, null);

  private final Dialect dialect;
  private final @Nullable URI defaultBaseUrl;

  ProviderType(Dialect dialect, @Nullable String defaultBaseUrl) {
    this.dialect = dialect;
    this.defaultBaseUrl = defaultBaseUrl == null ? null : URI.create(defaultBaseUrl);
  }

  public Dialect dialect() {
    return dialect;
  }

  /** Null where it depends on other settings. */
  public @Nullable URI defaultBaseUrl() {
    return defaultBaseUrl;
  }
}
