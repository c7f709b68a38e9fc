package relay.trial.provider;

import org.jspecify.annotations.Nullable;

/**
 * The times of the parts of an answer.
 *
 * @param intervalMs pause before each part but the first
 * @param gate name of the gate that each part but the first must pass; null = none
 */
record Pacing(long intervalMs, @Nullable String gate) {
  static final Pacing AT_ONCE = new Pacing(0, null);

  boolean atOnce() {
    return intervalMs == 0 && gate == null;
  }
}
