package relay.admission;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import relay.model.HeaderLines;
import relay.upstream.KnownReply;
import relay.upstream.ProviderApi;
import relay.upstream.ProviderReply;

/** A provider's refusal as a client may see it: without credentials and ids of accounts. */
final class RefusedText {
  private static final Set<String> OF_ACCOUNT =
      Set.of(
          "content-encoding", // the text is decoded
          "anthropic-organization-id",
          "openai-organization",
          "openai-project",
          "www-authenticate");

  /** Credentials and ids of organisations, projects and users, as providers write them. */
  private static final Pattern SECRET =
      Pattern.compile(
          "\\b(?:sk|pk|rk|xai|gsk|key|org|proj|project|acct|user|ws|wrkspc|workspace)[-_]"
              + "[A-Za-z0-9*._-]{3,}"
              + "|\\bAKIA[0-9A-Z]{12,}|\\bAIza[0-9A-Za-z_-]{20,}|\\beyJ[0-9A-Za-z._-]{20,}"
              + "|\\barn:aws[a-z-]*:[^\\s\"]+"
              + "|\\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\\b"
              + "|(?<=[Bb]earer )[^\\s\"\\\\]+"
              + "|\\b(?!req[-_])[A-Za-z0-9_-]{32,}");

  private RefusedText() {}

  /** The refusal without what is of the key and its account. */
  static KnownReply toClient(ProviderApi api, String key, ProviderReply reply, String text) {
    HeaderLines lines = new HeaderLines();
    reply.forEachHeader(
        (name, value) -> {
          if (!OF_ACCOUNT.contains(name.toLowerCase(Locale.ROOT))) {
            lines.add(name, value);
          }
        });
    String shown = clean(api.withoutSecret(key, text));
    return new KnownReply(reply.status(), lines, shown.getBytes(UTF_8));
  }

  static String clean(String text) {
    return SECRET.matcher(text).replaceAll("[removed]");
  }
}
