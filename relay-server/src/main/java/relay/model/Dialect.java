package relay.model;

/** The API format between client and Relay, and between Relay and provider. */
public enum Dialect {
  ANTHROPIC,
  OPENAI
}
