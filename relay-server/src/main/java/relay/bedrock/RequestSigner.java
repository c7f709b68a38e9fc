package relay.bedrock;

import java.io.ByteArrayInputStream;
import java.net.URI;
import java.time.Clock;
import java.util.Map;
import java.util.function.BiConsumer;
import relay.config.Credential;
import relay.config.Secret;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.SignedRequest;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.AwsSessionCredentialsIdentity;

/** Signs requests to Bedrock with an access key (AWS Signature Version 4). */
public final class RequestSigner {
  private final AwsV4HttpSigner signer = AwsV4HttpSigner.create();
  private final AwsCredentialsIdentity identity;
  private final String region;
  private final String service;
  private final Clock clock;

  /**
   * @param service the name of the service in the signature
   */
  public RequestSigner(Credential.AwsKey key, String region, String service, Clock clock) {
    Secret token = key.sessionToken();
    this.region = region;
    this.service = service;
    this.clock = clock;
    identity =
        token == null
            ? AwsCredentialsIdentity.create(key.accessKeyId(), key.secret().reveal())
            : AwsSessionCredentialsIdentity.create(
                key.accessKeyId(), key.secret().reveal(), token.reveal());
  }

  /**
   * Signs a POST.
   *
   * @param url with the path exactly as sent
   * @param signed further headers to sign, besides {@code host} and the added ones
   * @param headers receives the headers to send, including {@code host}
   */
  public void sign(
      URI url, Map<String, String> signed, byte[] body, BiConsumer<String, String> headers) {
    SdkHttpRequest.Builder request = SdkHttpRequest.builder().method(SdkHttpMethod.POST).uri(url);
    signed.forEach(request::putHeader);
    SignedRequest result =
        signer.sign(
            r ->
                r.identity(identity)
                    .request(request.build())
                    .payload(() -> new ByteArrayInputStream(body))
                    .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, service)
                    .putProperty(AwsV4HttpSigner.REGION_NAME, region)
                    .putProperty(AwsV4HttpSigner.SIGNING_CLOCK, clock));
    result
        .request()
        .forEachHeader((name, values) -> values.forEach(value -> headers.accept(name, value)));
  }
}
