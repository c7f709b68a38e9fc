package relay.config;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which headers of a client go to a provider. Names are in lower case.
 *
 * @param named headers of a client that carry a credential or choose whose quota is used: they go
 *     to the provider only if the configuration names them
 */
public record ClientHeaders(Set<String> named) {
  /** The configuration names none. */
  public static final ClientHeaders NONE = new ClientHeaders(Set.of());

  /** They belong to one connection: RFC 9110, section 7.6.1. */
  public static final Set<String> HOP_BY_HOP =
      Set.of(
          "connection",
          "keep-alive",
          "proxy-authenticate",
          "proxy-authorization",
          "proxy-connection",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "http2-settings");

  /** What Relay writes by itself, and credentials for Relay. */
  private static final Set<String> OF_RELAY =
      Set.of(
          "host",
          "content-length",
          "expect",
          "authorization",
          "x-api-key",
          "api-key",
          "accept-encoding");

  /** What signs a request to a cloud. */
  private static final Set<String> OF_SIGNATURES =
      Set.of("x-amz-date", "x-amz-security-token", "x-amz-content-sha256");

  /** Credentials for others, and headers that choose the organization or project to be charged. */
  private static final Set<String> WITHHELD =
      Set.of("openai-organization", "openai-project", "cookie", "ocp-apim-subscription-key");

  private static final Pattern NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}");
  private static final String FORM = "the name of a header, such as openai-project";
  private static final int MOST = 100;

  public ClientHeaders {
    named = Set.copyOf(named);
  }

  /** Whether a client's header passes. */
  public boolean pass(String name) {
    return !neverPasses(name) && (!isWithheld(name) || named.contains(name));
  }

  private static boolean neverPasses(String name) {
    return HOP_BY_HOP.contains(name) || OF_RELAY.contains(name) || name.startsWith("x-relay-");
  }

  private static boolean isWithheld(String name) {
    return WITHHELD.contains(name) || name.startsWith("x-goog-") || name.startsWith("x-amz-");
  }

  /** Declares {@code pass_headers} in a provider's form. */
  static void declare(SchemaNode provider) {
    provider.with(
        "pass_headers",
        SchemaNode.list(
            "Clients' headers that pass although they may carry a credential or choose"
                + " an organization",
            SchemaNode.text("The name of a header", NAME),
            MOST));
  }

  /** Reads {@code pass_headers} of a provider. */
  static ClientHeaders read(Section provider) {
    Value list = provider.take("pass_headers");
    List<Value> entries = list == null ? null : list.list(MOST, "a list of names of headers");
    Set<String> named = new HashSet<>();
    for (Value entry : entries == null ? List.<Value>of() : entries) {
      String name = name(entry);
      if (name != null && !named.add(name)) {
        entry.fault("is in the list already", "list each entry once");
      }
    }
    return new ClientHeaders(named);
  }

  private static @Nullable String name(Value entry) {
    String text = TextSettings.matching(entry, NAME, "is not the name of a header", FORM);
    String name = text == null ? null : text.toLowerCase(Locale.ROOT);
    if (name == null) {
      return null;
    }
    String why = null;
    if (HOP_BY_HOP.contains(name)) {
      why = "names a header of one connection, which never passes";
    } else if (neverPasses(name) || OF_SIGNATURES.contains(name)) {
      why = "names a header that Relay itself writes, or a client's credential for Relay";
    } else if (!isWithheld(name)) {
      why = "names a header that passes in any case";
    }
    if (why != null) {
      entry.fault(why, "take it out of the list");
      return null;
    }
    return name;
  }
}
