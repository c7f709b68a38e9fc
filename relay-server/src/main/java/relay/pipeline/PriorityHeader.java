package relay.pipeline;

import org.jspecify.annotations.Nullable;
import relay.config.ClientPriority;
import relay.model.RelayError;

/** The header by which a request asks for a lower priority than its client's. */
final class PriorityHeader {
  static final String NAME = "x-relay-priority";

  private PriorityHeader() {}

  /** Why the request's priority is none; null if it is one, or if it states none. */
  static @Nullable RelayError fault(ClientExchange client) {
    String word = client.header(NAME);
    return word == null || priority(word) != null
        ? null
        : RelayError.invalid(
            NAME + " must be interactive, standard or batch: it may lower a client's priority");
  }

  static @Nullable ClientPriority priority(@Nullable String word) {
    return word == null
        ? null
        : switch (word.strip()) {
          case "interactive" -> ClientPriority.INTERACTIVE;
          case "standard" -> ClientPriority.STANDARD;
          case "batch" -> ClientPriority.BATCH;
          default -> null;
        };
  }
}
