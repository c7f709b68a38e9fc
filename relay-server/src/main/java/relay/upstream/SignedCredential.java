package relay.upstream;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import okhttp3.Request;
import relay.bedrock.RequestSigner;
import relay.body.Payload;

/** Signs each request with an AWS access key. */
final class SignedCredential implements KeyCredential {
  private final RequestSigner signer;

  SignedCredential(RequestSigner signer) {
    this.signer = signer;
  }

  @Override
  public Shown show(Request.Builder builder, Payload body) {
    sign(signer, builder, body);
    return Shown.FOR_GOOD;
  }

  static void sign(RequestSigner signer, Request.Builder builder, Payload body) {
    Request request = builder.build();
    Map<String, String> signed = new LinkedHashMap<>();
    for (String name : request.headers().names()) {
      String lower = name.toLowerCase(Locale.ROOT);
      if (lower.startsWith("x-amz-")) {
        builder.removeHeader(name); // drop the client's: it would not match the signature
      } else if (lower.equals("content-type") || lower.startsWith("x-amzn-bedrock-")) {
        signed.put(lower, String.join(",", request.headers(name)));
      }
    }
    signer.sign(request.url().uri(), signed, body.bytes(), builder::header);
  }
}
