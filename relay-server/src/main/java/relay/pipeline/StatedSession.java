package relay.pipeline;

import relay.model.SessionId;

/**
 * A conversation that the client names in the head: Claude Code's session, and the agent within it.
 * Agents of one session have prompts of their own, and may be on different accounts.
 */
final class StatedSession {
  private static final String SESSION = "x-claude-code-session-id";
  private static final String AGENT = "x-claude-code-agent-id";

  private StatedSession() {}

  /** 32 hexadecimal digits; empty if the head names no session. */
  static String of(ClientExchange client) {
    String session = client.header(SESSION);
    if (session == null || session.isEmpty()) {
      return "";
    }
    String agent = client.header(AGENT);
    return agent == null ? SessionId.of(session) : SessionId.of(session, agent);
  }
}
