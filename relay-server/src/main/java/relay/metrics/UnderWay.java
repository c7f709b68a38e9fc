package relay.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.LongAdder;

/** The requests under way, and the tokens that they have reserved. Thread-safe. */
final class UnderWay {
  final LongAdder requests = new LongAdder();
  final LongAdder tokens = new LongAdder();

  UnderWay(MeterRegistry registry) {
    gauge(registry, "relay.inflight", "Requests under way", requests);
    gauge(registry, "relay.reserved.tokens", "Tokens reserved by requests under way", tokens);
  }

  private static void gauge(
      MeterRegistry registry, String name, String description, LongAdder value) {
    Gauge.builder(name, value, LongAdder::sum)
        .description(description)
        .strongReference(true)
        .register(registry);
  }
}
