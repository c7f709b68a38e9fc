package relay.model;

/** The wire format in which a client speaks to Relay, and Relay to a provider. */
public enum Dialect {
  ANTHROPIC,
  OPENAI
}
