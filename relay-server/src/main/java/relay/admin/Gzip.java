package relay.admin;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderValues;
import io.undertow.util.Headers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/** Compresses answers: the metrics of many keys and clients are a megabyte of similar lines. */
final class Gzip {
  /** Less fits one packet either way. */
  static final int WORTH_BYTES = 1_400;

  private static final Pattern WEIGHT_OF_NONE = Pattern.compile("q\\s*=\\s*0(\\.0*)?");

  private Gzip() {}

  /** Whether the client takes gzip. */
  static boolean isAccepted(HttpServerExchange exchange) {
    HeaderValues lines = exchange.getRequestHeaders().get(Headers.ACCEPT_ENCODING);
    if (lines == null) {
      return false;
    }
    for (String line : lines) {
      for (String coding : line.toLowerCase(Locale.ROOT).split(",", -1)) {
        String[] parts = coding.split(";", 2);
        if (parts[0].strip().equals("gzip")) {
          return parts.length == 1 || !WEIGHT_OF_NONE.matcher(parts[1].strip()).matches();
        }
      }
    }
    return false;
  }

  static byte[] of(byte[] plain) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(plain.length / 8);
    try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
      zip.write(plain);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    }
    return out.toByteArray();
  }
}
