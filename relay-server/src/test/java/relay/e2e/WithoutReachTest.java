package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.discovery.ClassSelector;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * End-to-end tests of requests, answers and streams again, with replicas that use no private part
 * of a library: as after an upgrade that has changed all of them. Clients of HTTP/2 are left out,
 * which need one of the parts.
 */
@Tag("slow")
class WithoutReachTest {
  /** Replicas of tests get it as {@code relay.reach_off}. */
  static final String OFF = "relay.test.reach_off";

  private static final List<Class<?>> CLASSES =
      List.of(
          HeaderValuesTest.class,
          HostileAnswerTest.class,
          HostileRequestTest.class,
          Http2ProviderTest.class,
          LongAnswerTest.class,
          PassThroughTest.class,
          ResponsesStreamTest.class,
          SseFlushTest.class);

  @Test
  void requests_and_answers_pass() {
    ClassSelector[] classes =
        CLASSES.stream().map(DiscoverySelectors::selectClass).toArray(ClassSelector[]::new);
    LauncherConfig alone =
        LauncherConfig.builder().enableTestExecutionListenerAutoRegistration(false).build();
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    System.setProperty(OFF, "*");
    try {
      LauncherFactory.create(alone)
          .execute(LauncherDiscoveryRequestBuilder.request().selectors(classes).build(), listener);
    } finally {
      System.clearProperty(OFF);
    }
    TestExecutionSummary summary = listener.getSummary();
    StringWriter failures = new StringWriter();
    summary.printFailuresTo(new PrintWriter(failures));
    assertEquals(0, summary.getTotalFailureCount(), failures.toString());
    assertEquals(summary.getTestsFoundCount(), summary.getTestsSucceededCount());
    assertTrue(summary.getTestsFoundCount() > 40, "tests: " + summary.getTestsFoundCount());
  }
}
