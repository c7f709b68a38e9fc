package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import relay.Rendering.Kind;

/** The rendered objects are ones that Kubernetes takes, by its API's models. */
class KubernetesObjectsTest {
  /** All but HTTPRoute: the models of the Gateway API are a library of their own. */
  private static final Map<Kind, Class<?>> TYPES =
      Map.ofEntries(
          Map.entry(Kind.ConfigMap, ConfigMap.class),
          Map.entry(Kind.Deployment, Deployment.class),
          Map.entry(Kind.HorizontalPodAutoscaler, HorizontalPodAutoscaler.class),
          Map.entry(Kind.Ingress, Ingress.class),
          Map.entry(Kind.NetworkPolicy, NetworkPolicy.class),
          Map.entry(Kind.PodDisruptionBudget, PodDisruptionBudget.class),
          Map.entry(Kind.PrometheusRule, PrometheusRule.class),
          Map.entry(Kind.Service, Service.class),
          Map.entry(Kind.ServiceAccount, ServiceAccount.class),
          Map.entry(Kind.ServiceMonitor, ServiceMonitor.class),
          Map.entry(Kind.StatefulSet, StatefulSet.class));

  private static final ObjectMapper STRICT =
      JsonMapper.builder()
          .annotationIntrospector(new WithoutAdditionalProperties())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .build();

  /** The models would take unknown fields as additional properties. */
  private static final class WithoutAdditionalProperties extends JacksonAnnotationIntrospector {
    private static final long serialVersionUID = 1;

    @Override
    public Boolean hasAnySetter(Annotated annotated) {
      return false;
    }
  }

  static List<Rendering> renderings() {
    return Rendering.all();
  }

  @ParameterizedTest
  @MethodSource("renderings")
  void every_object_is_one_that_kubernetes_takes(Rendering rendering) throws IOException {
    assertTrue(rendering.objects().size() >= 7, "guards against an empty file");
    Set<String> names = new TreeSet<>();
    for (JsonNode object : rendering.objects()) {
      Kind kind = Kind.valueOf(object.path("kind").asText());
      if (kind != Kind.HTTPRoute) {
        Object read = STRICT.treeToValue(object, TYPES.get(kind));
        JsonNode version = STRICT.valueToTree(read).path("apiVersion");
        assertEquals(version, object.path("apiVersion"), "of the model");
      }
      String name = object.path("kind").asText() + " " + object.at("/metadata/name").asText();
      assertTrue(names.add(name), name);
      assertTrue(object.at("/metadata/name").asText().matches("[a-z0-9-]{1,63}"), name);
    }
  }

  @Test
  void the_check_refuses_what_kubernetes_refuses() {
    ObjectNode pod = Rendering.of("kubernetes").only(Kind.Deployment).deepCopy();
    ((ObjectNode) pod.at("/spec/template/spec/containers/0/readinessProbe")).put("path", "/readyz");
    assertThrows(JsonMappingException.class, () -> STRICT.treeToValue(pod, Deployment.class));
  }
}
