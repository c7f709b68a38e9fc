package relay.operate;

import java.util.ArrayList;
import java.util.List;
import relay.body.BodyBuffers;
import relay.config.Config;
import relay.config.TlsConfig;
import relay.memory.MemoryBudget;

/** What is valid in a configuration, but cannot work: here, or now. */
public final class ConfigWarnings {
  private ConfigWarnings() {}

  /**
   * The warnings, a line each.
   *
   * @param memory what all clients together may use
   */
  public static List<String> of(Config config, MemoryBudget memory) {
    List<String> warnings = new ArrayList<>();
    TlsConfig tls = config.server().tls();
    if (tls != null && tls.isExpired()) {
      // A warning, since a client may not look: Relay starts rather than serve no client
      warnings.add(
          "server.tls.certificate expired on %s, so clients refuse it: renew the file"
              .formatted(tls.expires()));
    }
    long largest = BodyBuffers.largest(memory);
    if (config.server().maxBodyBytes() > largest) {
      warnings.add(
          ("server.max_body_bytes is %d, but with this heap a body of more than %d bytes finds no"
                  + " memory: raise -Xmx, or lower it")
              .formatted(config.server().maxBodyBytes(), largest));
    }
    warnings.addAll(UnpricedModels.warnings(config));
    return warnings;
  }
}
