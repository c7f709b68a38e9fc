package relay.endtoend;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the measured replica speaks to the provider. */
enum ProviderLine {
  PLAIN("HTTP/1.1 without TLS"),
  H1("HTTP/1.1 over TLS"),
  H2("HTTP/2 over TLS");

  /** Without it Relay prefers HTTP/1.1. */
  static final String HTTP2_OPTION = "-Drelay.provider_http2=" + MeasuredReplica.PROVIDER;

  private static final String OPTIONS = "RELAY_JAVA_OPTS";

  private final String label;

  ProviderLine(String label) {
    this.label = label;
  }

  String label() {
    return label;
  }

  boolean isTls() {
    return this != PLAIN;
  }

  /** The wire with an option's name; null if there is none. */
  static @Nullable ProviderLine named(String name) {
    for (ProviderLine wire : values()) {
      if (wire.name().toLowerCase(Locale.ROOT).equals(name)) {
        return wire;
      }
    }
    return null;
  }

  /** The command that starts a replica: HTTP/2 is used only where a JVM option says so. */
  List<String> command(Path launcher) {
    if (this != H2) {
      return List.of(launcher.toString());
    }
    String options = System.getenv().getOrDefault(OPTIONS, "");
    return List.of("env", OPTIONS + "=" + options + " " + HTTP2_OPTION, launcher.toString());
  }
}
