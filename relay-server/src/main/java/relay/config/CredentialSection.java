package relay.config;

import static relay.config.SchemaNode.text;
import static relay.config.SchemaNode.words;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads a key's credential. The setting {@code key} always holds the secret part. */
final class CredentialSection {
  private static final Pattern ENTRA_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9.-]{0,127}");
  private static final Pattern ACCESS_KEY_ID = Pattern.compile("[A-Za-z0-9_]{16,128}");
  private static final String IMDS = "http://169.254.169.254";
  private static final String TOKEN_FILE = "a file that holds a federated token";
  private static final int MAX_TOKEN_BYTES = 64 * 1024;
  private static final String ENTRA_FORM = "the id or the name that Entra shows";
  private static final String ACCESS_KEY_FORM = "16 to 128 letters and digits, such as AKIA...";

  private CredentialSection() {}

  /** Declares the settings of a credential in a key's form. */
  static SchemaNode declare(SchemaNode key) {
    return key.with(
            "key", text("The secret; of ollama it may be absent").example("${ANTHROPIC_API_KEY_1}"))
        .with("tenant_id", text("azure: of an Entra application", ENTRA_ID))
        .with("client_id", text("azure: of an Entra application", ENTRA_ID))
        .with(
            "token_file",
            text("azure: a workload identity's token, instead of a key")
                .example("/var/run/secrets/azure/tokens/azure-identity-token"))
        .with(
            "identity",
            words(
                "azure, bedrock, vertex: machine = what the cloud gives this machine, instead"
                    + " of a key",
                Identity.class))
        .with("access_key_id", text("bedrock: AKIA...", ACCESS_KEY_ID))
        .with("session_token", text("bedrock: of a temporary key"));
  }

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
          api.isNative() && key.take("access_key_id") == null && key.take("identity") == null
              ? apiKey(key)
              : bedrock(key);
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
    if (isMachine(key)) {
      return machineOfAzure(key, clientValue);
    }
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

  /** Who gives Relay its credential, instead of a key. */
  enum Identity {
    MACHINE
  }

  private static boolean isMachine(Section key) {
    Value value = key.take("identity");
    if (value == null) {
      return false;
    }
    ScalarSettings.choice(value, Identity.class, Set.of());
    if (key.take("id") == null) {
      key.missing("id", "give an id, as there is no key to derive one from");
    }
    return true;
  }

  /** As App Service and Container Apps say in the environment, else the metadata service. */
  private static @Nullable Credential machineOfAzure(Section key, @Nullable Value clientValue) {
    String clientId = clientValue == null ? null : entraId(key, "client_id");
    String header = key.environment("IDENTITY_HEADER");
    URI app = header.isEmpty() ? null : endpoint(key, "IDENTITY_ENDPOINT", "");
    if (app != null) {
      return new Credential.AzureIdentity(app, "2019-08-01", new Secret(header), clientId);
    }
    URI metadata = endpoint(key, "AZURE_POD_IDENTITY_AUTHORITY_HOST", IMDS);
    return metadata == null
        ? null
        : new Credential.AzureIdentity(
            metadata.resolve("/metadata/identity/oauth2/token"), "2018-02-01", null, clientId);
  }

  /** A URL of the environment; null if it is absent or, with a fault, if it is none. */
  private static @Nullable URI endpoint(Section key, String variable, String otherwise) {
    String stated = key.environment(variable);
    String text = stated.isEmpty() ? otherwise : stated;
    try {
      URI url = new URI(text);
      if (TextSettings.isHttp(url) && url.getHost() != null) {
        return url;
      }
    } catch (URISyntaxException e) {
      // reported below
    }
    if (!text.isEmpty()) {
      key.faults()
          .add(
              key.placeOf("identity"),
              "needs " + variable + " of the environment, which is no URL",
              "allowed: http:// or https:// and a host");
    }
    return null;
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
    if (isMachine(key)) {
      return new Credential.AwsMachine();
    }
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
    if (isMachine(key)) {
      return new Credential.GoogleMachine();
    }
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
    Secret secret = new Secret(scalar.text());
    return ServiceAccountFile.isFederation(scalar.text())
        ? new Credential.GoogleFederation(secret)
        : new Credential.ServiceAccount(secret);
  }

  private static @Nullable Secret secret(Section key, String allowed) {
    Value value = key.need("key", allowed);
    return value == null ? null : TextSettings.secret(value);
  }
}
