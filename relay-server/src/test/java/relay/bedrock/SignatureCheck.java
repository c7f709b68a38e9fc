package relay.bedrock;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Verifies AWS Signature Version 4. Written from AWS's documentation only, independent of its
 * library.
 */
public final class SignatureCheck {
  private static final Pattern AUTHORIZATION =
      Pattern.compile(
          "AWS4-HMAC-SHA256 Credential=([^/]+)/(\\d{8})/([^/]+)/([^/]+)/aws4_request, "
              + "SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})");

  private SignatureCheck() {}

  /**
   * Verifies a request; returns the fault, or an empty text if the signature is valid.
   *
   * @param path the path as received, without a query
   * @param headers by lower-case name
   */
  public static String fault(
      String path,
      Map<String, String> headers,
      byte[] body,
      String accessKeyId,
      String secret,
      String region) {
    Matcher given = AUTHORIZATION.matcher(headers.getOrDefault("authorization", ""));
    if (!given.matches()) {
      return "no signature: " + headers.get("authorization");
    }
    String date = headers.getOrDefault("x-amz-date", "");
    String bodyHash = hex(sha256(body));
    if (!given.group(1).equals(accessKeyId)
        || !date.startsWith(given.group(2))
        || !given.group(3).equals(region)
        || !given.group(4).equals("bedrock")) {
      return "wrong scope: " + headers.get("authorization");
    }
    List<String> signed = List.of(given.group(5).split(";", -1));
    for (String name : headers.keySet()) {
      if ((name.startsWith("x-amz-") || name.equals("host")) && !signed.contains(name)) {
        return "not signed: " + name;
      }
    }
    String hashHeader = headers.getOrDefault("x-amz-content-sha256", bodyHash);
    if (!hashHeader.equals(bodyHash)) {
      return "x-amz-content-sha256 does not match the body";
    }
    String canonical =
        "POST\n"
            + encodedAgain(path)
            + "\n\n"
            + new TreeMap<>(headers)
                .entrySet().stream()
                    .filter(header -> signed.contains(header.getKey()))
                    .map(h -> h.getKey() + ":" + h.getValue().strip().replaceAll(" +", " ") + "\n")
                    .collect(Collectors.joining())
            + "\n"
            + given.group(5)
            + "\n"
            + bodyHash;
    String scope = given.group(2) + "/" + region + "/bedrock/aws4_request";
    String toSign =
        "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex(sha256(canonical.getBytes(UTF_8)));
    byte[] key = ("AWS4" + secret).getBytes(UTF_8);
    for (String part : List.of(given.group(2), region, "bedrock", "aws4_request", toSign)) {
      key = hmac(key, part);
    }
    return hex(key).equals(given.group(6)) ? "" : "wrong signature for\n" + canonical;
  }

  /** Every service but S3 encodes each segment of the path twice. */
  private static String encodedAgain(String path) {
    return Arrays.stream(path.split("/", -1))
        .map(
            segment ->
                segment
                    .chars()
                    .mapToObj(
                        c ->
                            Character.isLetterOrDigit(c) || "-._~".indexOf(c) >= 0
                                ? Character.toString(c)
                                : "%%%02X".formatted(c))
                    .collect(Collectors.joining()))
        .collect(Collectors.joining("/"));
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
