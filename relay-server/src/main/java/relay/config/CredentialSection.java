package relay.config;

import java.nio.file.Path;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads a key's credential. The setting {@code key} always holds the secret part. */
final class CredentialSection {
  static final Pattern ENTRA_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9.-]{0,127}");
  static final Pattern ACCESS_KEY_ID = Pattern.compile("[A-Za-z0-9_]{16,128}");
  private static final String TOKEN_FILE = "a file that holds a federated token";
  private static final int MAX_TOKEN_BYTES = 64 * 1024;
  private static final String ENTRA_FORM = "the id or the name that Entra shows";
  private static final String ACCESS_KEY_FORM = "16 to 128 letters and digits, such as AKIA...";

  private CredentialSection() {}

  /** Null after a fault. */
  static @Nullable Credential read(Section key, @Nullable ProviderType type, KnownApi api) {
    if (type == null) {
      return apiKey(key);
    }
    return switch (type) {
      case ANTHROPIC, OPENAI, ZAI, MINIMAX ->
          switch (api.login()) {
            case KEY -> apiKey(key);
            case OPTIONAL -> optionalApiKey(key);
            case GOOGLE -> serviceAccount(key);
          };
      case OLLAMA -> optionalApiKey(key);
      case AZURE -> azure(key);
      case BEDROCK ->
          api.isNative() && key.take("access_key_id") == null ? apiKey(key) : bedrock(key);
      case VERTEX -> serviceAccount(key);
    };
  }

  private static @Nullable Credential apiKey(Section key) {
    Secret secret = secret(key, "give the provider's API key, as ${NAME} for example");
    return secret == null ? null : new Credential.ApiKey(secret);
  }

  private static @Nullable Credential optionalApiKey(Section key) {
    if (key.take("key") != null) {
      return apiKey(key);
    }
    if (key.take("id") == null) {
      key.missing("id", "give an id, as there is no key to derive one from");
      return null;
    }
    return new Credential.None();
  }

  private static @Nullable Credential azure(Section key) {
    Value tenantValue = key.take("tenant_id");
    Value clientValue = key.take("client_id");
    Value fileValue = key.take("token_file");
    if (fileValue != null) {
      return workload(key, fileValue);
    }
    if (tenantValue == null && clientValue == null) {
      return apiKey(key);
    }
    Secret secret = secret(key, "give the client secret of the Entra application");
    String tenant = entraId(key, "tenant_id");
    String client = entraId(key, "client_id");
    return secret == null || tenant == null || client == null
        ? null
        : new Credential.EntraApp(tenant, client, secret);
  }

  private static @Nullable Credential workload(Section key, Value fileValue) {
    if (key.take("id") == null) {
      key.missing("id", "give an id, as there is no key to derive one from");
    }
    Path file =
        FileSettings.checked(
            fileValue, TOKEN_FILE, "a token", MAX_TOKEN_BYTES, bytes -> bytes.length > 0);
    String tenant = entraId(key, "tenant_id");
    String client = entraId(key, "client_id");
    return file == null || tenant == null || client == null
        ? null
        : new Credential.EntraWorkload(tenant, client, file);
  }

  private static @Nullable String entraId(Section key, String name) {
    Value value = key.need(name, "tenant_id and client_id go together");
    return value == null
        ? null
        : TextSettings.matching(value, ENTRA_ID, "is not valid", ENTRA_FORM);
  }

  private static @Nullable Credential bedrock(Section key) {
    Secret secret = secret(key, "give the secret access key, as ${AWS_SECRET_ACCESS_KEY}");
    Value idValue = key.need("access_key_id", "give the access key id of this secret");
    String id =
        idValue == null
            ? null
            : TextSettings.matching(
                idValue, ACCESS_KEY_ID, "is not an access key id", ACCESS_KEY_FORM);
    Value tokenValue = key.take("session_token");
    Secret token = tokenValue == null ? null : TextSettings.secret(tokenValue);
    return secret == null || id == null ? null : new Credential.AwsKey(id, secret, token);
  }

  private static @Nullable Credential serviceAccount(Section key) {
    String form = "the JSON key file of a service account, as ${file:/run/secrets/vertex.json}";
    Value value = key.need("key", "give " + form);
    Value.Scalar scalar = value == null ? null : value.text(form);
    if (value == null || scalar == null) {
      return null;
    }
    String wrong = ServiceAccountFile.fault(scalar.text());
    if (wrong != null) {
      value.refuse(wrong, form);
      return null;
    }
    return new Credential.ServiceAccount(new Secret(scalar.text()));
  }

  private static @Nullable Secret secret(Section key, String allowed) {
    Value value = key.need("key", allowed);
    return value == null ? null : TextSettings.secret(value);
  }
}
