package relay.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.config.Value.Scalar;

/**
 * Reads text settings: names, models, secrets, URLs and addresses. Each method returns null after a
 * fault.
 */
final class TextSettings {
  static final String NAME_FORM =
      "1 to 64 letters, digits and . _ @ + -, starting with a letter, a digit or _";
  static final int MAX_MODELS = 1000;

  // Names appear in Redis keys ({pool}), hash fields (account/class), URLs and metric labels.
  static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._@+-]{0,63}");
  static final Pattern PREFIX = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._:@+-]{0,63}");
  static final Pattern MODEL = // in words that the schema's readers know, too
      Pattern.compile("[^\\x00-\\x20\\x7f]{1,256}");
  private static final String MODEL_FORM = "1 to 256 characters without spaces";
  private static final int MAX_SECRET_CHARS = 8192;
  private static final String SECRET_FORM =
      "1 to " + MAX_SECRET_CHARS + " printable ASCII characters, no space at either end";

  private TextSettings() {}

  /** The name of a pool, account, key, class or client. */
  static @Nullable String name(Value value) {
    return matching(value, NAME, "is not a valid name", NAME_FORM);
  }

  static @Nullable String prefix(Value value) {
    return matching(value, PREFIX, "is not a valid prefix", NAME_FORM + "; also :");
  }

  static @Nullable String model(Value value) {
    return matching(value, MODEL, "is not a model's name", MODEL_FORM);
  }

  /** The name of one model, without wildcards. */
  static @Nullable String oneModel(Value value) {
    String model = model(value);
    if (model != null && model.contains("*")) {
      value.refuse("is a pattern", "the whole name of one model, without *");
      return null;
    }
    return model;
  }

  static boolean isModel(String text) {
    return MODEL.matcher(text).matches() && !text.contains("*");
  }

  static @Nullable ModelPattern pattern(Value value) {
    String pattern =
        matching(
            value, MODEL, "is not a pattern of models", MODEL_FORM + ", * for any part of a name");
    return pattern == null ? null : new ModelPattern(pattern);
  }

  /** A credential. It is sent in a header, so only printable ASCII is allowed. */
  static @Nullable Secret secret(Value value) {
    if (value.isLacking()) {
      return Secret.unknown(value.path());
    }
    Scalar scalar = value.text(SECRET_FORM);
    if (scalar == null) {
      return null;
    }
    String text = scalar.text();
    if (text.isEmpty()) {
      value.refuse("is empty", SECRET_FORM);
    } else if (text.length() > MAX_SECRET_CHARS) {
      value.refuse("is too long", SECRET_FORM);
    } else if (text.chars().anyMatch(Character::isISOControl)) {
      value.refuse("holds a control character, such as a line break", SECRET_FORM);
    } else if (text.chars().anyMatch(c -> c > '~')) {
      value.refuse("holds a character outside ASCII", SECRET_FORM);
    } else if (!text.strip().equals(text)) {
      value.refuse("starts or ends with a space", SECRET_FORM);
    } else {
      return new Secret(text);
    }
    return null;
  }

  /** A provider's base URL without trailing slashes. */
  static @Nullable URI baseUrl(Value value) {
    String allowed = "http:// or https://, a host, optionally a port and a path; nothing else";
    Scalar scalar = value.text(allowed);
    if (scalar == null) {
      return null;
    }
    try {
      URI url = new URI(scalar.text().replaceFirst("/+$", ""));
      boolean http = isHttp(url);
      if (http
          && url.getHost() != null
          && url.getUserInfo() == null
          && url.getQuery() == null
          && url.getFragment() == null
          && url.getPort() != 0
          && url.getPort() <= 65_535) {
        return url;
      }
      String authority = url.getRawAuthority();
      if (http && url.getHost() == null && authority != null && authority.contains("_")) {
        // Docker allows underscores, but java.net.URI finds no host in such a URL.
        value.fault(
            "names a host with an underscore, which URLs do not allow",
            "use a name without an underscore, or the IP address");
        return null;
      }
    } catch (URISyntaxException e) {
      // Reported below, without the exception's message: it would repeat the URL.
    }
    if (scalar.text().contains("://")) {
      value.refuse("is not a provider's URL", allowed);
    } else {
      value.fault("has no scheme", "begin it with http:// or https://");
    }
    return null;
  }

  static boolean isHttp(URI url) {
    return "http".equalsIgnoreCase(url.getScheme()) || "https".equalsIgnoreCase(url.getScheme());
  }

  static @Nullable ListenAddress address(Value value) {
    String allowed = "host:port or [ipv6]:port, such as 127.0.0.1:8787";
    Scalar scalar = value.text(allowed);
    ListenAddress address = scalar == null ? null : ListenAddress.parse(scalar.text());
    if (scalar != null && address == null) {
      value.refuse("is not an address to listen on", allowed);
    }
    return address;
  }

  /** A list of unique entries. An absent list is empty; a present one needs at least one entry. */
  static <T> List<T> list(Section section, String name, Function<Value, @Nullable T> read) {
    Value list = section.take(name);
    List<Value> entries = list == null ? null : list.list(MAX_MODELS, "a list of names");
    if (list == null || entries == null) {
      return List.of();
    }
    if (entries.isEmpty()) {
      list.fault("is empty", "give at least one entry");
    }
    Set<T> items = new LinkedHashSet<>();
    for (Value entry : entries) {
      T item = read.apply(entry);
      if (item != null && !items.add(item)) {
        entry.fault("is in the list already", "list each entry once");
      }
    }
    return new ArrayList<>(items);
  }

  /** Text that matches a pattern. The fault does not show the text. */
  static @Nullable String matching(Value value, Pattern form, String wrong, String allowed) {
    Scalar scalar = value.text(allowed);
    if (scalar == null) {
      return null;
    }
    if (!form.matcher(scalar.text()).matches()) {
      value.refuse(wrong, allowed);
      return null;
    }
    return scalar.text();
  }
}
