package relay.config;

import java.util.List;

/** What became of a configuration file: all of it is good, or nothing of it is used. */
public sealed interface Loaded {

  /** A configuration to run with. */
  record Valid(Config config) implements Loaded {}

  /**
   * @param faults every fault, at least one, in the order of the file
   */
  record Invalid(List<ConfigFault> faults) implements Loaded {
    public Invalid {
      faults = List.copyOf(faults);
    }
  }
}
