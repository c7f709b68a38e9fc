package relay.operate;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;
import relay.config.ProviderType;

/** {@code relay init}: writes a first config. */
final class InitCommand implements Subcommand {
  private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final String FILE = "relay.yaml";

  /** Types whose address is known, and for which one credential suffices. */
  private static final List<String> TYPES =
      Arrays.stream(ProviderType.values())
          .filter(type -> type.defaultBaseUrl() != null)
          .map(type -> type.name().toLowerCase(Locale.ROOT))
          .toList();

  private final OptionSpec provider = Operands.option("--provider", "TYPE", "Type of the provider");
  private final OptionSpec keyEnv =
      Operands.option("--key-env", "NAME", "Environment variable that holds the provider's key");
  private final OptionSpec out =
      Operands.option("--out", "FILE", "The file to write; default: " + FILE);
  private final OptionSpec yes = Operands.flag("--yes", "Ask nothing: take the defaults");
  private final OptionSpec force = Operands.flag("--force", "Overwrite the file");
  private final CommandContext context;
  private final BufferedReader answers;

  /**
   * @param in what the user answers
   */
  InitCommand(CommandContext context, InputStream in) {
    this.context = context;
    this.answers = new BufferedReader(new InputStreamReader(in, UTF_8));
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("init")
        .addOption(provider)
        .addOption(keyEnv)
        .addOption(out)
        .addOption(yes)
        .addOption(force);
    spec.usageMessage()
        .description(
            "Write a first config.",
            "Asks for what no option says. The file has comments; it holds the names of environment"
                + " variables, and no secret.")
        .footer("  relay init", "  relay init --provider openai --key-env OPENAI_API_KEY --yes");
  }

  @Override
  public boolean readsConfig() {
    return false;
  }

  @Override
  public int run(@Nullable Path config) {
    String type =
        said(provider, "Provider (" + String.join(", ", TYPES) + ")", "anthropic")
            .toLowerCase(Locale.ROOT);
    if (!TYPES.contains(type)) {
      return refuse(
          "--provider "
              + type
              + " is none of "
              + String.join(", ", TYPES)
              + "; others: docs/providers.md");
    }
    boolean needsKey = !type.equals("ollama");
    String variable =
        needsKey
            ? said(keyEnv, "Variable with its key", type.toUpperCase(Locale.ROOT) + "_API_KEY")
            : "";
    if (needsKey && !VARIABLE.matcher(variable).matches()) {
      return refuse("--key-env is the name of an environment variable, such as OPENAI_API_KEY");
    }
    Path file = Path.of(Objects.requireNonNullElse(out.<String>getValue(), FILE));
    try {
      Files.writeString(file, text(type, variable), options());
    } catch (FileAlreadyExistsException e) {
      return refuse(file + " exists; --force overwrites it, --out names another");
    } catch (IOException e) {
      context.err().println("relay: cannot write " + file + ": " + e);
      return ExitCode.SOFTWARE;
    }
    context.out().println("Wrote " + file + ". Next:");
    if (needsKey && context.environment().getOrDefault(variable, "").isEmpty()) {
      context.out().println("  export " + variable + "=…");
    }
    context.out().println("  relay check --config " + file);
    context.out().println("  relay serve --config " + file);
    return ExitCode.OK;
  }

  private OpenOption[] options() {
    return new OpenOption[] {
      StandardOpenOption.WRITE,
      StandardOpenOption.CREATE,
      force.<Boolean>getValue()
          ? StandardOpenOption.TRUNCATE_EXISTING
          : StandardOpenOption.CREATE_NEW
    };
  }

  private int refuse(String why) {
    context.err().println("relay init: " + why);
    return ExitCode.USAGE;
  }

  /** The option's value, else the user's answer, else the default. */
  private String said(OptionSpec option, String question, String otherwise) {
    String given = option.getValue();
    if (given != null) {
      return given.strip();
    }
    if (yes.<Boolean>getValue()) {
      return otherwise;
    }
    context.out().print(question + " [" + otherwise + "]: ");
    context.out().flush();
    try {
      String answer = answers.readLine();
      return answer == null || answer.isBlank() ? otherwise : answer.strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The file's text. */
  static String text(String type, String variable) {
    String key =
        variable.isEmpty()
            ? "      - id: %s-1                     # it needs no key\n".formatted(type)
            : """
                  - key: ${%s}
                    id: %s-1
                  # Keys of one organisation share its limits: give them the same `account`.
                  # - { key: "${%1$s_2}", id: %2$s-2, account: acme }
            """
                .formatted(variable, type);
    return """
    # Relay's config. `relay check` finds every fault, `relay schema` helps editors, docs/configuration.md has all settings.
    server:
      listen: 127.0.0.1:8787             # clients connect here: their base URL is http://127.0.0.1:8787
      admin_listen: 127.0.0.1:9091       # the dashboard, metrics and health
      # auth:                            # needed as soon as others than this machine connect
      #   api_key: ${RELAY_API_KEY}
    # redis:
    #   url: redis://localhost:6379      # shares the keys with more replicas; without it Redis is embedded
    providers:
      - name: %1$s
        type: %1$s
        keys:                            # limits are learned from the answers
    %2$s\
    """
        .formatted(type, key);
  }
}
