package relay.guards;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/** Lists the ten slowest test classes of a module at the end of its tests. */
public final class SlowestClasses implements LauncherSessionListener, TestExecutionListener {
  private static final int LISTED = 10;

  private final Map<String, Long> startNanos = new ConcurrentHashMap<>();
  private final Map<String, Long> tookNanos = new ConcurrentHashMap<>();

  @Override
  public void launcherSessionOpened(LauncherSession session) {
    session.getLauncher().registerTestExecutionListeners(this);
  }

  @Override
  public void executionStarted(TestIdentifier test) {
    if (isClass(test)) {
      startNanos.put(test.getUniqueId(), System.nanoTime());
    }
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    Long start = startNanos.remove(test.getUniqueId());
    if (start != null) {
      tookNanos.put(test.getLegacyReportingName(), System.nanoTime() - start);
    }
  }

  private static boolean isClass(TestIdentifier test) {
    return test.isContainer() && test.getSource().filter(ClassSource.class::isInstance).isPresent();
  }

  @Override
  public void launcherSessionClosed(LauncherSession session) {
    if (tookNanos.size() > LISTED) { // a run of a few classes needs no list
      System.out.println("The slowest test classes, in seconds:");
      slowest().forEach(System.out::println);
    }
  }

  private List<String> slowest() {
    return tookNanos.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
        .limit(LISTED)
        .map(e -> String.format(Locale.ROOT, "%7.1f  %s", e.getValue() / 1e9, e.getKey()))
        .toList();
  }
}
