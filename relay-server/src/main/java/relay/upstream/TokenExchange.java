package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import relay.vertex.GoogleTokens;

/** Sends what Google's library asks a token endpoint. */
final class TokenExchange implements GoogleTokens.Exchange {
  private static final int MOST_BYTES = 64 * 1024;

  private final Function<String, CompletableFuture<OkHttpClient>> clients;

  /**
   * @param clients the client for an endpoint's URL
   */
  TokenExchange(Function<String, CompletableFuture<OkHttpClient>> clients) {
    this.clients = clients;
  }

  @Override
  public Answer ask(Question question) throws IOException {
    String type = question.contentType();
    RequestBody body =
        question.method().equals("GET")
            ? null
            : RequestBody.create(
                question.body().getBytes(UTF_8), type == null ? null : MediaType.parse(type));
    Request.Builder request =
        new Request.Builder().url(question.url()).method(question.method(), body);
    question.headers().forEach(request::header);
    try (Response response =
        clients.apply(question.url()).join().newCall(request.build()).execute()) {
      response.body().source().request(MOST_BYTES);
      return new Answer(
          response.code(),
          response.header("content-type"),
          response.body().source().getBuffer().snapshot().utf8());
    }
  }
}
