package relay.admin;

import io.undertow.util.HttpString;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/**
 * The dashboard's page, scripts and styles. They hold nothing confidential, come from this jar, and
 * ask no other server.
 */
final class DashboardAssets {
  private static final String HTML = "text/html; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";
  private static final String STYLE = "text/css; charset=utf-8";
  private static final String OWN = "/relay/admin/dashboard/";
  private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/";

  private static final Map<HttpString, String> HEADERS =
      Map.of(
          HttpString.tryFromString("content-security-policy"),
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
              + " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
          HttpString.tryFromString("referrer-policy"),
          "no-referrer");

  private DashboardAssets() {}

  /**
   * @param path without the first slash; empty for the page
   */
  static Optional<AdminReply> at(String path) {
    return Optional.ofNullable(
        switch (path) {
          case "" -> asset(OWN + "dashboard.html", HTML);
          case "dashboard.js",
              "clients.js",
              "format.js",
              "keys.js",
              "plots.js",
              "pools.js",
              "recent.js",
              "replicas.js",
              "table.js",
              "traffic.js",
              "verdict.js" ->
              asset(OWN + path, SCRIPT);
          case "dashboard.css" -> asset(OWN + path, STYLE);
          case "uplot.js" -> asset(UPLOT + "uPlot.iife.min.js", SCRIPT);
          case "uplot.css" -> asset(UPLOT + "uPlot.min.css", STYLE);
          default -> null;
        });
  }

  private static AdminReply asset(String resource, String type) {
    try (InputStream in = DashboardAssets.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + resource);
      }
      return new AdminReply(
          200, type, new String(in.readAllBytes(), StandardCharsets.UTF_8), HEADERS);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
