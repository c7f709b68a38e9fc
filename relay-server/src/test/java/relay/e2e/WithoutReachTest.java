package relay.e2e;

import org.junit.platform.suite.api.AfterSuite;
import org.junit.platform.suite.api.BeforeSuite;
import org.junit.platform.suite.api.SelectClasses;
import org.junit.platform.suite.api.Suite;

/**
 * End-to-end tests again, with replicas that use no private part of a library: as after an upgrade
 * that has changed all of them.
 */
@Suite
@SelectClasses({
  BrokenStreamTest.class,
  ClientRoundTripTest.class,
  EarlyAnswerTest.class,
  FaultMatrixTest.class,
  HostileAnswerTest.class,
  Http2ProviderTest.class,
  LongAnswerTest.class,
  PassThroughTest.class,
  ResponsesStreamTest.class,
  SseFlushTest.class,
  UnreachableTest.class
})
class WithoutReachTest {
  /** Replicas of tests get it as {@code relay.reach_off}. */
  static final String OFF = "relay.test.reach_off";

  @BeforeSuite
  static void off() {
    System.setProperty(OFF, "*");
  }

  @AfterSuite
  static void on() {
    System.clearProperty(OFF);
  }
}
