package relay.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import relay.config.ProviderConfig.ModelClass;

/** The model classes of a provider that states none: by what is known of its API. */
final class KnownLines {
  private KnownLines() {}

  /**
   * The lines of the API; with a list of models only those lines, and each further model in a class
   * of its own.
   *
   * @param models the clients' names; empty = any
   */
  static List<ModelClass> of(KnownApi api, List<String> models, Map<String, String> mapping) {
    if (models.isEmpty()) {
      return api.lines();
    }
    Map<String, List<ModelPattern>> alone = new LinkedHashMap<>();
    List<ModelClass> served = new ArrayList<>();
    for (String model : models) {
      String upstream = mapping.getOrDefault(model, model);
      ModelClass line =
          Stream.of(upstream, model)
              .flatMap(name -> api.lines().stream().filter(each -> each.contains(name)).limit(1))
              .findFirst()
              .orElse(null);
      if (line != null) {
        if (!served.contains(line)) {
          served.add(line);
        }
      } else if (api.modelsAlone()) {
        alone
            .computeIfAbsent(KnownApi.lineOf(upstream), _ -> new ArrayList<>())
            .add(new ModelPattern(upstream));
      }
    }
    List<ModelClass> classes = new ArrayList<>(api.lines());
    classes.retainAll(served);
    alone.forEach((name, patterns) -> classes.add(new ModelClass(name, patterns)));
    return classes.subList(0, Math.min(classes.size(), ProviderSection.MAX_CLASSES));
  }
}
