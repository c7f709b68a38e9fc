package relay.operate;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import relay.cli.Operands;

/** {@code POOL KEY}: the key that a command changes. */
final class KeyOperands {
  private final PositionalParamSpec pool =
      Operands.word("POOL", "A provider's name; `relay keys` lists them");
  private final PositionalParamSpec key =
      Operands.word("KEY", "A key's id; `relay keys` lists them");

  void addTo(CommandSpec spec) {
    spec.addPositional(pool).addPositional(key);
  }

  String pool() {
    return pool.getValue();
  }

  String key() {
    return key.getValue();
  }

  /** The line that a command prints after its change. */
  String changed(String what) {
    return "Key " + key() + " of pool " + pool() + " " + what + ", in all replicas.";
  }
}
