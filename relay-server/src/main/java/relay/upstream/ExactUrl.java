package relay.upstream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import okhttp3.HttpUrl;

/**
 * A URL whose query is sent byte for byte. OkHttp would encode an apostrophe in it, although RFC
 * 3986 allows one, and a provider may compare or sign the query. OkHttp has no public API for that.
 */
final class ExactUrl {
  private ExactUrl() {}

  static HttpUrl of(String url) {
    HttpUrl parsed = HttpUrl.get(url);
    int question = url.indexOf('?');
    String query = url.substring(question + 1);
    if (question < 0 || query.equals(parsed.encodedQuery()) || !SentLines.isOfTarget(query)) {
      return parsed;
    }
    HttpUrl.Builder exact = parsed.newBuilder();
    List<String> nameWithoutValue = new ArrayList<>(Arrays.asList(query, null));
    exact.setEncodedQueryNamesAndValues$okhttp(nameWithoutValue);
    return exact.build();
  }
}
