package relay.upstream;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import relay.vertex.ServiceAccountTokens;

/** Sends what Google's library asks a token endpoint. */
final class TokenPost implements ServiceAccountTokens.Post {
  private static final int MOST_BYTES = 64 * 1024;

  private final Function<String, CompletableFuture<OkHttpClient>> clients;

  /**
   * @param clients the client for an endpoint's URL
   */
  TokenPost(Function<String, CompletableFuture<OkHttpClient>> clients) {
    this.clients = clients;
  }

  @Override
  public Answer post(String url, String contentType, byte[] body) throws IOException {
    Request request =
        new Request.Builder()
            .url(url)
            .post(RequestBody.create(body, MediaType.parse(contentType)))
            .build();
    try (Response response = clients.apply(url).join().newCall(request).execute()) {
      response.body().source().request(MOST_BYTES);
      return new Answer(
          response.code(),
          response.header("content-type"),
          response.body().source().getBuffer().snapshot().utf8());
    }
  }
}
