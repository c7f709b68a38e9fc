package relay.config;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Through which proxy a provider is reached.
 *
 * @param proxy null = none
 * @param direct entries of {@code NO_PROXY}: hosts that are reached directly
 */
public record ProxyRule(@Nullable ProxyUrl proxy, List<String> direct) {

  /** Every host directly. */
  static final ProxyRule NONE = new ProxyRule(null, List.of());

  /** The entry for this machine itself; no host has such a name. */
  private static final String LOCAL = "<loopback>";

  private static final Pattern LOOPBACK =
      Pattern.compile("localhost|.*\\.localhost|127(\\.\\d{1,3}){3}|::1|0:0:0:0:0:0:0:1");
  private static final Pattern ENTRY =
      Pattern.compile("(\\[(?<ipv6>[^]]*)]|(?<host>[^:]*)|(?<bare>.*:.*:.*))(:(?<port>\\d{1,5}))?");

  public ProxyRule {
    direct = List.copyOf(direct);
  }

  /** Through this proxy always. */
  static ProxyRule always(ProxyUrl proxy) {
    return new ProxyRule(proxy, List.of());
  }

  /**
   * As the environment says: never to this machine itself.
   *
   * @param noProxy hosts, with their subdomains, separated by commas or blanks
   */
  static ProxyRule except(ProxyUrl proxy, String noProxy) {
    String[] entries = noProxy.toLowerCase(Locale.ROOT).split("[,\\s]+");
    return new ProxyRule(
        proxy,
        Stream.concat(Stream.of(LOCAL), Arrays.stream(entries))
            .filter(entry -> !entry.isEmpty())
            .toList());
  }

  /**
   * The proxy for a server; null = none.
   *
   * @param host as in a URL, an IPv6 address with or without brackets
   */
  public @Nullable ProxyUrl towards(String host, int port) {
    String name = host.toLowerCase(Locale.ROOT).replaceAll("^\\[|]$", "").replaceFirst("\\.$", "");
    return direct.stream().anyMatch(entry -> covers(entry, name, port)) ? null : proxy;
  }

  private static boolean covers(String entry, String host, int port) {
    if (entry.equals("*")) {
      return true;
    }
    if (entry.equals(LOCAL)) {
      return LOOPBACK.matcher(host).matches();
    }
    Matcher parts = ENTRY.matcher(entry);
    if (!parts.matches()) {
      return false;
    }
    if (parts.group("port") != null && Integer.parseInt(parts.group("port")) != port) {
      return false;
    }
    for (String group : List.of("ipv6", "bare")) {
      if (parts.group(group) != null) {
        return parts.group(group).equals(host);
      }
    }
    String domain = parts.group("host").replaceFirst("^\\*?\\.", "");
    return !domain.isEmpty() && (host.equals(domain) || host.endsWith("." + domain));
  }
}
