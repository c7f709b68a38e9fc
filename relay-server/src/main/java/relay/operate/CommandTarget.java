package relay.operate;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** Options that say what a command acts on, so that it needs no config. */
interface CommandTarget<A extends PoolsAccess> {
  void addTo(CommandSpec spec);

  /** Null: a config says it. */
  @Nullable A named(Map<String, String> environment) throws OperationFailed;

  /** This machine's replica, at the default address. */
  A here(Map<String, String> environment) throws OperationFailed;
}
