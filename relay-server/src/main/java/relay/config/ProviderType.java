package relay.config;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import relay.model.Dialect;

/** A kind of upstream API: the dialect that it speaks and where it is found by default. */
public enum ProviderType {
  ANTHROPIC(Dialect.ANTHROPIC, "https://api.anthropic.com"),
  OPENAI(Dialect.OPENAI, "https://api.openai.com"),
  ZAI(Dialect.ANTHROPIC, "https://api.z.ai/api/anthropic"),
  MINIMAX(Dialect.ANTHROPIC, "https://api.minimax.io/anthropic"),
  /** Asks for no credential: its keys may do without a secret. */
  OLLAMA(Dialect.OPENAI, "http://localhost:11434"),
  /** Each customer has a host of its own. */
  AZURE(Dialect.OPENAI, null),
  /** The host depends on the region, as that of {@link #VERTEX} does. */
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
