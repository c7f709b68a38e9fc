package relay.pipeline;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.config.ClientHeaders;
import relay.stream.DecodingTap;

/** Which header lines pass. Names are in lower case. */
final class HeaderPolicy {
  private static final Pattern REFUSED = Pattern.compile("q=0(\\.0*)?");

  private HeaderPolicy() {}

  /**
   * Whether a provider's header goes to the client. The limits of one key would mislead the client
   * of a pool.
   */
  static boolean passesDownstream(String name, Set<String> connectionNames) {
    return !ClientHeaders.HOP_BY_HOP.contains(name)
        && !name.equals("content-length")
        && !name.startsWith("anthropic-ratelimit-")
        && !name.startsWith("anthropic-priority-")
        && !name.startsWith("x-ratelimit-")
        && !name.startsWith("x-relay-")
        && !connectionNames.contains(name);
  }

  /**
   * The names that {@code Connection} lines make hop-by-hop.
   *
   * @param connection all values of that header
   */
  static Set<String> connectionNames(List<String> connection) {
    Set<String> names = Set.of();
    for (String value : connection) {
      if (value.equalsIgnoreCase("keep-alive") || value.equalsIgnoreCase("close")) {
        continue; // the usual case
      }
      names = new HashSet<>(names);
      for (String hop : value.split(",", -1)) {
        names.add(hop.strip().toLowerCase(Locale.ROOT));
      }
    }
    return names;
  }

  /**
   * The accept-encoding for the provider: only encodings that the client accepts, and in which
   * Relay reads the usage.
   */
  static String acceptEncoding(@Nullable String accepted) {
    if (accepted == null) {
      return "identity";
    }
    if (accepted.equals("gzip")) {
      return accepted;
    }
    StringBuilder out = new StringBuilder();
    for (String part : accepted.split(",", -1)) {
      String coding = part.strip().toLowerCase(Locale.ROOT);
      int semicolon = coding.indexOf(';');
      String name = semicolon < 0 ? coding : coding.substring(0, semicolon).strip();
      String weight = semicolon < 0 ? "" : coding.substring(semicolon + 1).replace(" ", "");
      boolean refused = REFUSED.matcher(weight).matches();
      if (!refused && DecodingTap.reads(name)) {
        out.append(out.isEmpty() ? "" : ", ").append(name);
      }
    }
    return out.isEmpty() ? "identity" : out.toString();
  }
}
