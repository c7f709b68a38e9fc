package relay.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.Node;
import relay.config.KnownApi.Login;
import relay.config.ProviderConfig.ModelClass;
import relay.model.Counting;
import relay.model.Weights;

/** The entries of {@code apis.yaml}, read once, by the readers of the configuration. */
final class KnownApis {
  private static final String FILE = "apis.yaml";
  private static final List<KnownApi> ALL = read();

  private KnownApis() {}

  private enum Requests {
    SECOND,
    MINUTE,
    DAY
  }

  private enum Models {
    ALONE,
    TOGETHER
  }

  static List<KnownApi> all() {
    return ALL;
  }

  /** The names that {@code api} may have, for a type. */
  static List<String> names(ProviderType type) {
    List<String> names = new ArrayList<>();
    ALL.stream().filter(api -> api.type() == type).map(KnownApi::name).forEach(names::add);
    names.add(KnownApi.NONE.name());
    return names;
  }

  /** Null if the type has no API of this name. */
  static @Nullable KnownApi named(ProviderType type, String name) {
    return name.equals(KnownApi.NONE.name())
        ? KnownApi.NONE
        : ALL.stream()
            .filter(api -> api.type() == type && api.name().equals(name))
            .findFirst()
            .orElse(null);
  }

  /** The API at a host; {@link KnownApi#NONE} if it is not known. */
  static KnownApi at(ProviderType type, @Nullable URI url) {
    String host = url == null ? null : url.getHost();
    return host == null
        ? KnownApi.NONE
        : ALL.stream()
            .filter(api -> api.type() == type && api.isAt(host))
            .findFirst()
            .orElse(KnownApi.NONE);
  }

  private static List<KnownApi> read() {
    Faults faults = new Faults(FILE);
    References nothing = new References(Map.of(), FileReader.DISK, Path.of(""));
    Node root = YamlSource.read(text(), faults);
    List<KnownApi> all = new ArrayList<>();
    if (root != null) {
      new Value(root, "", new Value.Context(faults, nothing))
          .section()
          .all()
          .forEach((name, entry) -> all.add(api(name, entry.section())));
    }
    if (!faults.isEmpty()) {
      throw new IllegalStateException(faults.inOrder().toString());
    }
    return List.copyOf(all);
  }

  private static String text() {
    try (InputStream in = KnownApis.class.getResourceAsStream(FILE)) {
      if (in == null) {
        throw new IllegalStateException(FILE + " is missing");
      }
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static KnownApi api(String name, Section api) {
    Value type = api.need("type", "give a type of providers");
    Value url = api.take("base_url");
    List<ModelClass> lines = new ArrayList<>();
    Section stated = api.section("lines");
    stated
        .all()
        .keySet()
        .forEach(
            line ->
                lines.add(
                    new ModelClass(line, TextSettings.list(stated, line, TextSettings::pattern))));
    Value bound = api.take("max_tokens");
    KnownApi known =
        new KnownApi(
            name,
            type == null ? null : ScalarSettings.choice(type, ProviderType.class, Set.of()),
            url == null ? null : TextSettings.baseUrl(url),
            TextSettings.list(api, "hosts", TextSettings::pattern),
            word(api.take("key_header")),
            ScalarSettings.choice(api, "credential", Login.KEY, Set.of()),
            ScalarSettings.flag(api, "v1", true),
            ScalarSettings.choice(api, "requests", Requests.MINUTE, Set.of()) == Requests.MINUTE,
            ScalarSettings.flag(api, "tells_limits", true),
            ScalarSettings.choice(api, "models", Models.ALONE, Set.of()) == Models.ALONE,
            lines,
            bound == null ? null : ScalarSettings.choice(bound, Counting.Bound.class, Set.of()),
            weights(api.take("weights")),
            ScalarSettings.flag(api, "native", false),
            word(api.need("source", "give the address of a page")),
            word(api.need("read", "give a day")));
    api.done();
    return known;
  }

  private static List<KnownApi.Weighed> weights(@Nullable Value stated) {
    List<Value> entries = stated == null ? null : stated.list(100, "a list of weights");
    List<KnownApi.Weighed> weights = new ArrayList<>();
    for (Value entry : entries == null ? List.<Value>of() : entries) {
      Section section = entry.section();
      List<ModelPattern> models = TextSettings.list(section, "models", TextSettings::pattern);
      weights.add(
          new KnownApi.Weighed(models, WeightSection.read(section, Weights.CACHE_READS_FREE)));
    }
    return weights;
  }

  private static String word(@Nullable Value value) {
    Value.Scalar scalar = value == null ? null : value.text("text");
    return scalar == null ? "" : scalar.text();
  }
}
