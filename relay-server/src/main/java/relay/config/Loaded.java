package relay.config;

import java.util.List;

/** The outcome of loading a configuration file. A file with any fault yields no configuration. */
public sealed interface Loaded {

  /** A usable configuration. */
  record Valid(Config config) implements Loaded {}

  /**
   * @param faults every fault, at least one, in file order
   */
  record Invalid(List<ConfigFault> faults) implements Loaded {
    public Invalid {
      faults = List.copyOf(faults);
    }
  }
}
