package relay.reload;

import java.util.List;

/** The result of a reload: all of the configuration took effect, or nothing did. */
public sealed interface ReloadOutcome {

  /**
   * It holds for all requests from now on.
   *
   * @param changes a line for each difference, without secrets; empty if there was none
   */
  record Applied(ConfigState state, List<String> changes) implements ReloadOutcome {
    public Applied {
      changes = List.copyOf(changes);
    }
  }

  /**
   * The replica runs on with what it had.
   *
   * @param faults a line for each, at least one
   */
  record Refused(List<String> faults) implements ReloadOutcome {
    public Refused {
      faults = List.copyOf(faults);
    }
  }
}
