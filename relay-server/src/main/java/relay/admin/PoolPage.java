package relay.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.util.HttpString;
import java.util.List;
import java.util.Map;
import relay.pool.ConfigLine;
import relay.pool.PoolJson;

/** A plain HTML page of the pools. It reloads every two seconds. */
final class PoolPage {
  private static final HttpString POLICY = HttpString.tryFromString("content-security-policy");

  private static final String HEAD =
      """
      <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Relay</title>
      <meta http-equiv="refresh" content="2">
      <style>
      body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color-scheme: light dark }
      table { border-collapse: collapse; margin: .5rem 0 1.5rem }
      th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; font-variant-numeric: tabular-nums }
      th { font-weight: 500; opacity: .6 } .quarantined, .open { color: #d33 }
      .cooling, .half_open { color: #b70 }
      </style></head><body><h1>Relay</h1>
      <p><a href="/pools">/pools</a> <a href="/clients">/clients</a> <a href="/metrics">/metrics</a>
      <a href="/readyz">/readyz</a> <a href="/healthz">/healthz</a></p>
      """;

  private PoolPage() {}

  static AdminReply of(PoolJson.Configuration own, List<ObjectNode> pools) {
    StringBuilder page = new StringBuilder(HEAD);
    page.append("<p>").append(escaped(ConfigLine.of(PoolJson.ofAll(own, pools)))).append("</p>");
    pools.forEach(pool -> append(page, pool));
    return new AdminReply(
        200,
        "text/html; charset=utf-8",
        page.append("</body></html>\n").toString(),
        Map.of(POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"));
  }

  private static void append(StringBuilder page, JsonNode pool) {
    page.append("<h2>").append(text(pool, "name")).append("</h2>");
    page.append(breaker(pool.path("breaker"))).append("<table>");
    row(page, "th", "group", "rpm", "itpm", "otpm", "tpm", "burst", "in flight", "cooldown ms");
    boolean learned = false;
    for (JsonNode group : pool.path("groups")) {
      learned |= !group.path("learned").isEmpty();
      row(
          page,
          "td",
          text(group, "id"),
          usage(group, "rpm"),
          usage(group, "itpm"),
          usage(group, "otpm"),
          usage(group, "tpm"),
          burst(group),
          text(group, "in_flight"),
          text(group, "cooldown_ms"));
    }
    page.append("</table>");
    if (learned) {
      page.append("<p>* according to the provider's response headers</p>");
    }
    page.append("<table>");
    row(page, "th", "key", "account", "status", "in flight", "cooldown ms", "reason");
    for (JsonNode key : pool.path("keys")) {
      String status = text(key, "status");
      row(
          page,
          "td",
          text(key, "id"),
          text(key, "account"),
          "<span class=\"" + status + "\">" + status + "</span>",
          text(key, "in_flight"),
          text(key, "cooldown_ms"),
          text(key, "reason"));
    }
    page.append("</table>\n");
  }

  /** Describes the breaker's state. */
  private static String breaker(JsonNode breaker) {
    String state = text(breaker, "state");
    String next = text(breaker, "next_try_ms") + " ms";
    return "<p>breaker <span class=\"%s\">%s</span>%s</p>"
        .formatted(
            state,
            state.replace('_', ' '),
            switch (state) {
              case "open" -> ": the provider fails; a request may try it in " + next;
              case "half_open" -> ": one request tries the provider; another may in " + next;
              default -> "";
            });
  }

  private static void row(StringBuilder page, String cell, String... cells) {
    page.append("<tr>");
    for (String content : cells) {
      page.append('<').append(cell).append('>').append(content);
    }
    page.append("</tr>\n");
  }

  private static String usage(JsonNode group, String dimension) {
    JsonNode limit = group.path("limits").path(dimension);
    boolean learned =
        !limit.isNull() && limit.asLong() == group.path("learned").path(dimension).asLong();
    return text(group.path("used"), dimension)
        + " / "
        + (limit.isNull() ? "-" : limit.asText())
        + (learned ? "*" : "");
  }

  /** The share of the burst that the provider accepts; below 100 % after refusals. */
  private static String burst(JsonNode group) {
    return Math.round(group.path("burst").asDouble(1) * 100) + " %";
  }

  private static String text(JsonNode node, String field) {
    JsonNode value = node.path(field);
    return value.isNull() ? "" : escaped(value.asText());
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
  }
}
