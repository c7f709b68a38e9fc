package relay.config;

import static relay.config.SchemaNode.text;

import java.net.URI;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads a provider's type-specific settings and derives its default base URL. */
record CloudSection(Cloud cloud, @Nullable URI defaultBaseUrl) {
  private static final Pattern VERSION = Pattern.compile("[a-z0-9][a-z0-9.-]{0,39}");
  private static final Pattern REGION = Pattern.compile("[a-z][a-z0-9-]{0,39}");
  private static final Pattern PROJECT = Pattern.compile("[a-z0-9][a-z0-9.:-]{0,99}");
  private static final Pattern SCOPE = Pattern.compile("[\\x21-\\x7e]{1,200}");

  private static final String API_VERSION =
      "2024-10-21"; // the newest version that is not a preview
  private static final URI LOGIN_URL = URI.create("https://login.microsoftonline.com");
  private static final String TOKEN_SCOPE = "https://cognitiveservices.azure.com/.default";

  /** Declares them in a provider's form. */
  static void declare(SchemaNode provider) {
    provider
        .with("api_version", text("azure: a date", VERSION).fallback(API_VERSION))
        .with("login_url", text("azure: where Entra gives tokens").fallback(LOGIN_URL.toString()))
        .with("token_scope", text("azure: what tokens are for", SCOPE).fallback(TOKEN_SCOPE))
        .with("region", text("bedrock, vertex: where", REGION).example("us-east-1"))
        .with("project", text("vertex: the Google Cloud project", PROJECT))
        .only(ProviderType.AZURE, "api_version", "login_url", "token_scope")
        .only(ProviderType.VERTEX, "project");
  }

  /**
   * @param type null after a fault in {@code type}: then no required setting is checked
   */
  static CloudSection read(Section provider, @Nullable ProviderType type) {
    if (type == null) {
      return new CloudSection(new Cloud.None(), null);
    }
    return switch (type) {
      case ANTHROPIC, OPENAI, ZAI, MINIMAX, OLLAMA ->
          new CloudSection(new Cloud.None(), type.defaultBaseUrl());
      case AZURE -> azure(provider);
      case BEDROCK -> bedrock(provider);
      case VERTEX -> vertex(provider);
    };
  }

  private static CloudSection azure(Section provider) {
    String version = optional(provider, "api_version", VERSION, "a date, such as " + API_VERSION);
    Value loginValue = provider.take("login_url");
    URI login = loginValue == null ? null : TextSettings.baseUrl(loginValue);
    String scope = optional(provider, "token_scope", SCOPE, "a scope, such as " + TOKEN_SCOPE);
    if (provider.take("base_url") == null) {
      provider.missing("base_url", "give your resource's URL: https://NAME.openai.azure.com");
    }
    Cloud.Azure azure =
        new Cloud.Azure(
            version == null ? API_VERSION : version,
            login == null ? LOGIN_URL : login,
            scope == null ? TOKEN_SCOPE : scope);
    return new CloudSection(azure, null);
  }

  private static CloudSection bedrock(Section provider) {
    String region = required(provider, "region", REGION, "an AWS region, such as us-east-1");
    return new CloudSection(
        new Cloud.Bedrock(region),
        URI.create("https://bedrock-runtime.%s.amazonaws.com".formatted(region)));
  }

  private static CloudSection vertex(Section provider) {
    String project = required(provider, "project", PROJECT, "the id of a Google Cloud project");
    String region = required(provider, "region", REGION, "a location, such as us-east5 or global");
    String host =
        switch (region) {
          case "global" -> "aiplatform.googleapis.com";
          case "us", "eu" -> "aiplatform." + region + ".rep.googleapis.com";
          default -> region + "-aiplatform.googleapis.com";
        };
    return new CloudSection(new Cloud.Vertex(project, region), URI.create("https://" + host));
  }

  /** Where an API is if the provider states no URL. */
  @Nullable URI baseUrl(KnownApi api) {
    URI known = api.baseUrl();
    return known == null
        ? defaultBaseUrl
        : cloud instanceof Cloud.Bedrock(String region)
            ? URI.create(known.toString().replace("REGION", region))
            : known;
  }

  private static @Nullable String optional(
      Section provider, String name, Pattern form, String allowed) {
    Value value = provider.take(name);
    return value == null ? null : TextSettings.matching(value, form, "is not valid", allowed);
  }

  /** Returns a placeholder after a fault. The faulty configuration is never used. */
  private static String required(Section provider, String name, Pattern form, String allowed) {
    Value value = provider.need(name, "give " + allowed);
    String text =
        value == null ? null : TextSettings.matching(value, form, "is not valid", allowed);
    return text == null ? "none" : text;
  }
}
