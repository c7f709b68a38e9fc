package relay.config;

import static relay.config.SchemaNode.text;

import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.config.Value.Scalar;

/** Reads {@code tls} and {@code proxy} of a provider. */
final class AccessSection {
  private static final String DIRECT = "none";

  private AccessSection() {}

  /** Declares both in a provider's form. */
  static void declare(SchemaNode provider) {
    provider
        .with("tls", TlsSection.PROVIDER_FORM)
        .with(
            "proxy",
            text("`none`, or an HTTP proxy for TLS; absent = `HTTPS_PROXY` and `NO_PROXY`")
                .example("http://proxy:3128"));
  }

  static ProviderAccess read(Section provider, @Nullable URI baseUrl) {
    boolean plain = baseUrl != null && "http".equalsIgnoreCase(baseUrl.getScheme());
    Value tls = provider.take("tls");
    OutboundTls outbound = tls == null ? OutboundTls.DEFAULT : TlsSection.outbound(tls.section());
    if (plain && tls != null) {
      tls.fault("is of no use to a base_url with http://", "give an https:// base_url, or no tls");
    }
    Value value = provider.take("proxy");
    ProxyRule proxy = value == null ? ofEnvironment(provider) : stated(value);
    if (plain && value != null && proxy.proxy() != null) {
      value.fault(
          "is of no use to a base_url with http://", "give an https:// base_url, or proxy: none");
    }
    return new ProviderAccess(outbound, proxy);
  }

  private static ProxyRule stated(Value value) {
    Scalar scalar = value.text(ProxyUrl.FORM);
    if (scalar == null || scalar.text().equals(DIRECT)) {
      return ProxyRule.NONE;
    }
    ProxyUrl url = ProxyUrl.parse(scalar.text());
    if (url == null) {
      value.refuse("is not a proxy's URL", ProxyUrl.FORM);
      return ProxyRule.NONE;
    }
    return ProxyRule.always(url);
  }

  private static ProxyRule ofEnvironment(Section provider) {
    for (String name : List.of("HTTPS_PROXY", "https_proxy")) {
      String text = provider.environment(name);
      if (!text.isEmpty()) {
        ProxyUrl url = ProxyUrl.parse(text.contains("://") ? text : "http://" + text);
        if (url == null) {
          provider
              .faults()
              .add(
                  provider.placeOf("proxy"),
                  "is absent, and " + name + " of the environment is not a proxy's URL",
                  "allowed: " + ProxyUrl.FORM);
          return ProxyRule.NONE;
        }
        String upper = provider.environment("NO_PROXY");
        return ProxyRule.except(url, upper.isEmpty() ? provider.environment("no_proxy") : upper);
      }
    }
    return ProxyRule.NONE;
  }
}
