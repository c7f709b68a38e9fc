package relay.operate;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;
import relay.config.SettingsCatalog;
import relay.config.SettingsCatalog.Setting;

/** {@code relay explain}. */
final class ExplainCommand implements Subcommand {
  private final PositionalParamSpec setting =
      Operands.word(
          "SETTING", "A setting, or a part of its name: redis.timeout_ms, rpm, accounting");
  private final CommandContext context;

  ExplainCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("explain").addPositional(setting);
    spec.usageMessage()
        .description(
            "Say what a setting means.",
            "Prints its form, its default and its meaning, and the" + " settings below it.")
        .footer("  relay explain pooling.accounting", "  relay explain redis");
  }

  @Override
  public boolean readsConfig() {
    return false;
  }

  @Override
  public int run(@Nullable Path config) {
    String wanted = setting.<String>getValue().toLowerCase(Locale.ROOT);
    List<Setting> all = SettingsCatalog.all();
    List<Setting> found = all.stream().filter(one -> isNamed(one, wanted)).toList();
    if (found.isEmpty()) {
      found = all.stream().filter(one -> plain(one).contains(wanted)).toList();
    }
    if (found.isEmpty()) {
      context
          .err()
          .println(
              "relay: no setting has \"%s\" in its name; `relay schema` has all of them"
                  .formatted(wanted));
      return ExitCode.USAGE;
    }
    found.forEach(one -> context.out().print(text(one)));
    return ExitCode.OK;
  }

  /** The setting itself, whatever stands before its last names, or one below it. */
  private static boolean isNamed(Setting one, String wanted) {
    String name = "." + plain(one) + ".";
    return name.contains("." + wanted.replace("[]", "") + ".");
  }

  private static String plain(Setting one) {
    return one.name().replace("[]", "").toLowerCase(Locale.ROOT);
  }

  private static String text(Setting one) {
    StringBuilder text = new StringBuilder(one.name()).append("\n  ").append(one.meaning());
    if (!one.allowed().isEmpty()) {
      text.append("\n  allowed: ").append(one.allowed().replace("`", ""));
    }
    if (!one.fallback().isEmpty()) {
      text.append("\n  default: ").append(one.fallback());
    }
    return text.append('\n').toString();
  }
}
