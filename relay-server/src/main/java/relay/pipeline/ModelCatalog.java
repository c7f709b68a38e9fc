package relay.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.admission.Route;
import relay.auth.Clients.Caller;
import relay.config.ProviderConfig;
import relay.model.Dialect;
import relay.model.JsonString;

/**
 * The configured models that a caller may use, in the JSON of the models endpoints. Creation times
 * are unknown, so both dialects get the start of 1970.
 */
final class ModelCatalog {
  private final List<Route> routes;

  ModelCatalog(List<Route> routes) {
    this.routes = List.copyOf(routes);
  }

  /** The list, on one page. */
  byte[] list(Caller caller, Dialect dialect) {
    Map<String, String> owners = new LinkedHashMap<>(); // by model; the first provider wins
    for (Route route : routes) {
      if (route.isFor(caller, dialect)) {
        ProviderConfig provider = route.api().config();
        provider.models().forEach(model -> owners.putIfAbsent(model, provider.name()));
        provider.modelMapping().keySet().forEach(m -> owners.putIfAbsent(m, provider.name()));
      }
    }
    owners.keySet().removeIf(model -> !caller.mayUseModel(model));
    String entries =
        owners.entrySet().stream()
            .map(entry -> json(dialect, entry.getKey(), entry.getValue()))
            .collect(Collectors.joining(","));
    List<String> ids = List.copyOf(owners.keySet());
    return bytes(
        switch (dialect) {
          case ANTHROPIC ->
              "{\"data\":[%s],\"has_more\":false,\"first_id\":%s,\"last_id\":%s}"
                  .formatted(
                      entries,
                      ids.isEmpty() ? "null" : JsonString.quote(ids.getFirst()),
                      ids.isEmpty() ? "null" : JsonString.quote(ids.getLast()));
          case OPENAI -> "{\"object\":\"list\",\"data\":[%s]}".formatted(entries);
        });
  }

  /** One model; null if a request for it would find no provider. */
  byte @Nullable [] model(Caller caller, Dialect dialect, String id) {
    if (!caller.mayUseModel(id)) {
      return null;
    }
    return routes.stream()
        .filter(route -> route.isFor(caller, dialect) && route.takes(caller, id))
        .findFirst()
        .map(route -> bytes(json(dialect, id, route.name())))
        .orElse(null);
  }

  /** Answers a request for one. */
  void answer(RequestContext request, Caller caller, String id) {
    Dialect dialect = request.client().dialect();
    byte[] model = model(caller, dialect, id);
    if (model == null) {
      request.answer().refuse(RoutingErrors.unserved(dialect, id));
    } else {
      request.answer().json(model);
    }
  }

  private static String json(Dialect dialect, String id, String owner) {
    String quoted = JsonString.quote(id);
    return switch (dialect) {
      case ANTHROPIC ->
          "{\"type\":\"model\",\"id\":%s,\"display_name\":%s,\"created_at\":\"1970-01-01T00:00:00Z\"}"
              .formatted(quoted, quoted);
      case OPENAI ->
          "{\"id\":%s,\"object\":\"model\",\"created\":0,\"owned_by\":%s}"
              .formatted(quoted, JsonString.quote(owner));
    };
  }

  private static byte[] bytes(String json) {
    return json.getBytes(StandardCharsets.UTF_8);
  }
}
