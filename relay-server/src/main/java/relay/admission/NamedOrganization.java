package relay.admission;

import relay.upstream.ProviderReply;

/**
 * The organisation that an answer names. Sources: "API overview", platform.claude.com; "API
 * reference", developers.openai.com.
 */
final class NamedOrganization {
  private NamedOrganization() {}

  /** Learns it, unless the key's is known. A good answer without a name says that there is none. */
  static void learn(Route route, String key, ProviderReply reply) {
    if (route.organizations().knows(key)) {
      return;
    }
    String named =
        switch (route.api().config().dialect()) {
          case ANTHROPIC -> reply.header("anthropic-organization-id");
          case OPENAI -> {
            String organization = reply.header("openai-organization");
            yield organization == null ? reply.header("openai-project") : organization;
          }
        };
    if (named != null || reply.status() == 200) {
      route.organizations().learned(key, named == null ? "" : named);
    }
  }
}
