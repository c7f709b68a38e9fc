package relay.vertex;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.api.client.http.HttpTransport;
import com.google.api.client.http.LowLevelHttpRequest;
import com.google.api.client.http.LowLevelHttpResponse;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import relay.vertex.GoogleTokens.Exchange;

/** Google's library over Relay's own connections: with its proxy, authorities and name lookups. */
final class TokenTransport extends HttpTransport {
  /** The connection sets these itself. */
  private static final Set<String> NOT_SENT =
      Set.of("accept-encoding", "content-length", "content-type", "user-agent");

  private final Exchange exchange;

  TokenTransport(Exchange exchange) {
    this.exchange = exchange;
  }

  @Override
  protected LowLevelHttpRequest buildRequest(String method, String url) {
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    return new LowLevelHttpRequest() {
      @Override
      public void addHeader(String name, String value) {
        if (!NOT_SENT.contains(name.toLowerCase(Locale.ROOT))) {
          headers.put(name, value);
        }
      }

      @Override
      public LowLevelHttpResponse execute() throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        if (getStreamingContent() != null) {
          getStreamingContent().writeTo(body);
        }
        return new Received(
            exchange.ask(
                new Exchange.Question(
                    method, url, headers, getContentType(), body.toString(UTF_8))));
      }
    };
  }

  private static final class Received extends LowLevelHttpResponse {
    private final Exchange.Answer answer;

    Received(Exchange.Answer answer) {
      this.answer = answer;
    }

    @Override
    public InputStream getContent() {
      return new ByteArrayInputStream(answer.body().getBytes(UTF_8));
    }

    @Override
    public @Nullable String getContentEncoding() {
      return null;
    }

    @Override
    public long getContentLength() {
      return answer.body().getBytes(UTF_8).length;
    }

    @Override
    public @Nullable String getContentType() {
      return answer.contentType();
    }

    @Override
    public String getStatusLine() {
      return "HTTP/1.1 " + answer.status();
    }

    @Override
    public int getStatusCode() {
      return answer.status();
    }

    @Override
    public String getReasonPhrase() {
      return "";
    }

    @Override
    public int getHeaderCount() {
      return 0;
    }

    @Override
    public String getHeaderName(int index) {
      throw new IndexOutOfBoundsException(index);
    }

    @Override
    public String getHeaderValue(int index) {
      throw new IndexOutOfBoundsException(index);
    }
  }
}
