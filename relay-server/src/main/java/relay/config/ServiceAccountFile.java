package relay.config;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.net.URI;
import java.net.URISyntaxException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Validates a service account's key file at load time, so that a bad file fails before the first
 * request.
 */
final class ServiceAccountFile {
  private static final List<String> NEEDED =
      List.of("client_email", "client_id", "private_key", "private_key_id", "token_uri");

  /** Optional members that Google's library requires to be strings. */
  private static final List<String> TEXTS =
      List.of("client_id", "private_key_id", "project_id", "quota_project_id", "universe_domain");

  private static final String FEDERATION = "external_account";

  private ServiceAccountFile() {}

  /** The file's error, in a message without any of its content; null if the file is valid. */
  static @Nullable String fault(String json) {
    JsonNode file;
    try {
      file = new JsonMapper().readTree(json);
    } catch (JacksonException e) {
      return "is not JSON"; // the exception's message would show file content
    }
    if (file.path("type").asText().equals(FEDERATION)) {
      return federationFault(file);
    }
    if (!file.isObject() || !file.path("type").asText().equals("service_account")) {
      return "is not a service account key file";
    }
    for (String member : NEEDED) {
      if (file.path(member).asText("").isEmpty()) {
        return "has no " + member;
      }
    }
    for (String member : TEXTS) {
      if (file.has(member) && !file.path(member).isTextual()) {
        return "has a " + member + " that is not text";
      }
    }
    if (!isUrl(file.path("token_uri").asText())) {
      return "has a token_uri that is not an http:// or https:// URL";
    }
    return isPrivateKey(file.path("private_key").asText())
        ? null
        : "has a private_key that is not an RSA key in PKCS #8";
  }

  /** Whether it is the configuration of an identity of another platform, without a key. */
  static boolean isFederation(String json) {
    try {
      return new JsonMapper().readTree(json).path("type").asText().equals(FEDERATION);
    } catch (JacksonException e) {
      return false;
    }
  }

  private static @Nullable String federationFault(JsonNode file) {
    for (String member : List.of("audience", "subject_token_type", "token_url")) {
      if (file.path(member).asText("").isEmpty()) {
        return "has no " + member;
      }
    }
    if (!file.path("token_url").asText().startsWith("https://")
        || !isUrl(file.path("token_url").asText())) {
      return "has a token_url that is not an https:// URL";
    }
    return file.path("credential_source").isObject() ? null : "has no credential_source";
  }

  private static boolean isUrl(String text) {
    try {
      URI url = new URI(text);
      return TextSettings.isHttp(url) && url.getHost() != null;
    } catch (URISyntaxException e) {
      return false;
    }
  }

  private static boolean isPrivateKey(String pem) {
    String base64 = pem.replaceAll("-----(BEGIN|END) PRIVATE KEY-----", "").replaceAll("\\s", "");
    try {
      byte[] der = Base64.getDecoder().decode(base64);
      return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der)) != null;
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      return false;
    }
  }
}
