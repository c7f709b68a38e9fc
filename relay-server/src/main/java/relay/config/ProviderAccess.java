package relay.config;

/** How connections to a provider, and to where its tokens come from, are made. */
public record ProviderAccess(OutboundTls tls, ProxyRule proxy) {

  /** Directly, with the JVM's authorities. */
  public static final ProviderAccess DEFAULT =
      new ProviderAccess(OutboundTls.DEFAULT, ProxyRule.NONE);
}
