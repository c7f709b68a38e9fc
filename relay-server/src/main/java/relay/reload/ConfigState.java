package relay.reload;

import java.time.Instant;
import java.util.List;

/**
 * Identifies the configuration that a replica runs with.
 *
 * @param hash tells configurations apart: see {@link relay.config.ConfigOutline#hash}
 * @param since when it took effect here
 * @param needRestart paths of changed settings that take effect only after a restart
 */
public record ConfigState(String hash, Instant since, List<String> needRestart) {
  public ConfigState {
    needRestart = List.copyOf(needRestart);
  }
}
