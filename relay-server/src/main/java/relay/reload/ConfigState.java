package relay.reload;

import java.time.Instant;
import java.util.List;

/**
 * Identifies the configuration that a replica runs with.
 *
 * @param hash tells configurations apart: see {@link relay.config.ConfigOutline#hash}
 * @param since when it took effect here
 * @param needRestart paths of changed settings that take effect only after a restart
 * @param refused the faults of the files as they are now, if these are not what runs; at most
 *     {@value #MAX_REFUSED}
 */
public record ConfigState(
    String hash, Instant since, List<String> needRestart, List<String> refused) {
  private static final int MAX_REFUSED = 20;

  public ConfigState {
    needRestart = List.copyOf(needRestart);
    refused = List.copyOf(refused.subList(0, Math.min(MAX_REFUSED, refused.size())));
  }

  /** The files are what runs. */
  public ConfigState(String hash, Instant since, List<String> needRestart) {
    this(hash, since, needRestart, List.of());
  }

  /** The same configuration, while the files hold another, which has faults. */
  ConfigState refusing(List<String> faults) {
    return new ConfigState(hash, since, needRestart, faults);
  }
}
