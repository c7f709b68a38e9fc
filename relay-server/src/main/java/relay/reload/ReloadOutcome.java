package relay.reload;

import java.util.List;

/** The result of a reload: everything that needs no restart took effect, or nothing did. */
public sealed interface ReloadOutcome {

  /**
   * The new configuration serves all new requests.
   *
   * @param changes a line for each difference, without secrets; empty if there was none
   */
  record Applied(ConfigState state, List<String> changes) implements ReloadOutcome {
    public Applied {
      changes = List.copyOf(changes);
    }
  }

  /**
   * The replica keeps its configuration.
   *
   * @param faults one line per fault, at least one
   */
  record Refused(List<String> faults) implements ReloadOutcome {
    public Refused {
      faults = List.copyOf(faults);
    }
  }
}
