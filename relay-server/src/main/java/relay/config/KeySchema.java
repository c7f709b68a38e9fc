package relay.config;

import static relay.config.SchemaNode.list;
import static relay.config.SchemaNode.map;
import static relay.config.SchemaNode.number;
import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;
import static relay.config.SchemaNode.whole;
import static relay.config.SchemaNode.words;

import relay.model.Weights;

/** The parts of {@link ConfigSchema} for keys, their limits, and classes of models. */
final class KeySchema {
  private KeySchema() {}

  static SchemaNode modelClass() {
    return section("A class")
        .with("name", text("Its name", TextSettings.NAME).example("opus"))
        .with(
            "models",
            list(
                "Its models, * for any part of a name",
                text("A pattern", ConfigSchema.MODEL).example("claude-opus-*"),
                TextSettings.MAX_MODELS))
        .with(
            "weights",
            section("How much a token counts against the limits; absent = as the API is known")
                .with("input", weight("Of uncached input", 1))
                .with("cache_read", weight("Read from the cache; openai: 1", 0))
                .with("cache_write", weight("Written to the cache", 1))
                .with("output", weight("Generated", 1)))
        .need("name", "models");
  }

  static SchemaNode key() {
    SchemaNode key =
        section("A key")
            .with(
                "key",
                text("The secret; of ollama it may be absent").example("${ANTHROPIC_API_KEY_1}"))
            .with("tenant_id", text("azure: of an Entra application", CredentialSection.ENTRA_ID))
            .with("client_id", text("azure: of an Entra application", CredentialSection.ENTRA_ID))
            .with(
                "token_file",
                text("azure: a workload identity's token, instead of a key")
                    .example("/var/run/secrets/azure/tokens/azure-identity-token"))
            .with(
                "identity",
                words(
                    "azure, bedrock, vertex: machine = what the cloud gives this machine, instead"
                        + " of a key",
                    CredentialSection.Identity.class))
            .with("access_key_id", text("bedrock: AKIA...", CredentialSection.ACCESS_KEY_ID))
            .with("session_token", text("bedrock: of a temporary key"))
            .with(
                "id",
                text("Absent = the first 8 hex digits of the secret's SHA-256", TextSettings.NAME))
            .with(
                "account",
                text("Keys of one account share its limits; absent = its own", TextSettings.NAME))
            .with(
                "workspace",
                text(
                    "One of `workspaces`: its limits hold beside the account's", TextSettings.NAME))
            .with(
                "priority",
                whole("Keys of a higher number are used first", 1, 0, PoolKeys.MAX_PRIORITY))
            .with(
                "weight",
                whole("Its share if weighted; 0 = last of all", 1, 0, PoolKeys.MAX_WEIGHT))
            .with(
                "max_concurrent", whole("Requests at once; 0 = no bound", 0, 0, LimitsConfig.MAX));
    return quota(key);
  }

  static SchemaNode workspace() {
    return quota(
            section("A workspace")
                .with("name", text("Its name", TextSettings.NAME).example("research")))
        .need("name");
  }

  /** Adds limits, and those of model classes. */
  private static SchemaNode quota(SchemaNode of) {
    limits(of, "a window");
    daily(of);
    SchemaNode ofClass = section("Limits of a model class");
    limits(ofClass, "a window");
    daily(ofClass);
    return of.with("limits", map("Limits by model class, instead of the above", ofClass));
  }

  /** Adds the settings of limits. */
  static void limits(SchemaNode of, String period) {
    of.with("rpm_limit", whole("Requests " + period + "; 0 = not stated", 0, 0, LimitsConfig.MAX))
        .with("itpm_limit", whole("Input tokens " + period, 0, 0, LimitsConfig.MAX))
        .with("otpm_limit", whole("Output tokens " + period, 0, 0, LimitsConfig.MAX))
        .with("tpm_limit", whole("Input and output tokens " + period, 0, 0, LimitsConfig.MAX));
  }

  private static void daily(SchemaNode of) {
    of.with("rpd_limit", whole("Requests a day; 0 = none", 0, 0, LimitsConfig.MAX))
        .with("tpd_limit", whole("Input and output tokens a day", 0, 0, LimitsConfig.MAX));
  }

  private static SchemaNode weight(String title, double fallback) {
    return number(title, fallback, Weights.MAX);
  }
}
