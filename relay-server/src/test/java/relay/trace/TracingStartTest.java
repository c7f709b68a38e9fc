package relay.trace;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TracingStartTest {
  private static final String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";

  @Test
  void no_endpoint_is_no_tracing() {
    assertNull(Tracing.of(Map.of()));
    assertNull(Tracing.of(Map.of(ENDPOINT, " ")));
    assertNull(Tracing.of(Map.of("OTEL_SERVICE_NAME", "x")));
  }

  @Test
  void either_endpoint_starts_it() {
    for (String name : new String[] {ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}) {
      try (Tracing tracing = Tracing.of(Map.of(name, "http://127.0.0.1:1"))) {
        assertNotNull(tracing, name);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "OTEL_EXPORTER_OTLP_PROTOCOL, grpc",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, grpc",
    "OTEL_TRACES_SAMPLER, no-such-sampler",
    "OTEL_BSP_SCHEDULE_DELAY, soon"
  })
  void a_wrong_variable_is_no_tracing(String name, String value) {
    assertNull(Tracing.of(Map.of(ENDPOINT, "http://127.0.0.1:1", name, value)));
  }
}
