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

/** Judges a service account's key file before the first request has to. */
final class ServiceAccountFile {
  private static final List<String> NEEDED =
      List.of("client_email", "client_id", "private_key", "private_key_id", "token_uri");

  /** What Google's library takes for text, if it is there. */
  private static final List<String> TEXTS =
      List.of("client_id", "private_key_id", "project_id", "quota_project_id", "universe_domain");

  private ServiceAccountFile() {}

  /** What is wrong with it, in words that show nothing of it; null if nothing is. */
  static @Nullable String fault(String json) {
    JsonNode file;
    try {
      file = new JsonMapper().readTree(json);
    } catch (JacksonException e) {
      return "is not JSON"; // the exception's words would show a part of it
    }
    if (!file.isObject() || !file.path("type").asText().equals("service_account")) {
      return "is no key file of a service account";
    }
    for (String member : NEEDED) {
      if (file.path(member).asText("").isEmpty()) {
        return "has no " + member;
      }
    }
    for (String member : TEXTS) {
      if (file.has(member) && !file.path(member).isTextual()) {
        return "has a " + member + " that is no text";
      }
    }
    if (!isUrl(file.path("token_uri").asText())) {
      return "has a token_uri that is no http:// or https:// URL";
    }
    return isPrivateKey(file.path("private_key").asText())
        ? null
        : "has a private_key that is no RSA key in PKCS #8";
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
