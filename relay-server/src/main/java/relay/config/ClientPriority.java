package relay.config;

/** Whose requests come first when a pool is short; in order, the highest first. */
public enum ClientPriority {
  INTERACTIVE,
  STANDARD,
  BATCH
}
