package relay.guards;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/**
 * Fails the build if a test was skipped or aborted by an assumption: a skip is not a pass.
 *
 * <p>Throws when the session closes: JUnit only logs exceptions that a listener throws earlier.
 */
public final class NoSkippedTests implements LauncherSessionListener, TestExecutionListener {
  private final List<String> skipped = new CopyOnWriteArrayList<>();

  @Override
  public void launcherSessionOpened(LauncherSession session) {
    session.getLauncher().registerTestExecutionListeners(this);
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    skipped.add(test.getUniqueId() + " (skipped: " + reason + ")");
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    if (result.getStatus() == Status.ABORTED) {
      String reason = result.getThrowable().map(Throwable::getMessage).orElse("no reason given");
      skipped.add(test.getUniqueId() + " (aborted: " + reason + ")");
    }
  }

  @Override
  public void launcherSessionClosed(LauncherSession session) {
    if (!skipped.isEmpty()) {
      throw new IllegalStateException(
          "Skipped tests are not passed tests. Make these run or delete them:\n"
              + String.join("\n", skipped));
    }
  }
}
