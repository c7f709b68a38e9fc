package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Test;

class EagerSocketsTest {

  @Test
  void a_large_request_and_a_chunked_answer_pass_over_tls()
      throws IOException, InterruptedException {
    HeldCertificate certificate =
        new HeldCertificate.Builder().addSubjectAlternativeName("localhost").build();
    HandshakeCertificates server =
        new HandshakeCertificates.Builder().heldCertificate(certificate).build();
    HandshakeCertificates client =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build();
    byte[] body = new byte[300_000];
    new Random(3).nextBytes(body);
    String answer = "event".repeat(20_000);
    try (MockWebServer web = new MockWebServer()) {
      web.useHttps(server.sslSocketFactory());
      web.start();
      web.enqueue(new MockResponse.Builder().chunkedBody(answer, 700).build());
      OkHttpClient http =
          new OkHttpClient.Builder()
              .socketFactory(new EagerSockets())
              .sslSocketFactory(client.sslSocketFactory(), client.trustManager())
              .build();
      Request request = new Request.Builder().url(web.url("/")).post(new BytesBody(body)).build();
      AtomicInteger waits = new AtomicInteger();
      try (Response response = http.newCall(request).execute()) {
        ReadWait.listen(waits::incrementAndGet);
        assertEquals(answer, response.body().string());
      } finally {
        ReadWait.stop();
      }
      byte[] received = Objects.requireNonNull(web.takeRequest().getBody()).toByteArray();
      assertArrayEquals(body, received);
    }
  }
}
