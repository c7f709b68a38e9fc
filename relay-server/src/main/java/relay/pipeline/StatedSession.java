package relay.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import relay.model.Sha256;

/**
 * A conversation that the client names in the head: Claude Code's session, and the agent within it.
 * Agents of one session have prompts of their own, and may be on different accounts.
 */
final class StatedSession {
  private static final String SESSION = "x-claude-code-session-id";
  private static final String AGENT = "x-claude-code-agent-id";
  private static final int ID_BYTES = 16;

  private StatedSession() {}

  /** 32 hexadecimal digits; empty if the head names no session. */
  static String of(ClientExchange client) {
    String session = client.header(SESSION);
    if (session == null || session.isEmpty()) {
      return "";
    }
    MessageDigest digest = Sha256.begin();
    add(digest, session);
    add(digest, client.header(AGENT));
    return HexFormat.of().formatHex(digest.digest(), 0, ID_BYTES);
  }

  private static void add(MessageDigest digest, @Nullable String name) {
    if (name != null) {
      digest.update(name.getBytes(UTF_8));
    }
    digest.update((byte) 0);
  }
}
