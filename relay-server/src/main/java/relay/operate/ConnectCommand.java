package relay.operate;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import relay.cli.Operands;
import relay.cli.Subcommand;

/** {@code relay connect}: leads a client of this machine to Relay, and back. */
final class ConnectCommand implements Subcommand {
  private static final String DEFAULT_URL = "http://127.0.0.1:8787";
  private static final String DEFAULT_VARIABLE = "RELAY_API_KEY";

  /** For a Relay that asks for no credential: without one, the client would ask for a login. */
  private static final String NO_TOKEN = "none";

  private final PositionalParamSpec client =
      Operands.word("CLIENT", "claude-code, codex, or env to print variables for a shell");
  private final OptionSpec url =
      Operands.option("--url", "URL", "Where Relay listens; default: " + DEFAULT_URL);
  private final OptionSpec keyEnv =
      Operands.option(
          "--key-env", "NAME", "Variable with the credential; default: " + DEFAULT_VARIABLE);
  private final OptionSpec remove = Operands.flag("--remove", "Take back what was set");
  private final OptionSpec print = Operands.flag("--print", "Print the file, and write nothing");
  private final OptionSpec force = Operands.flag("--force", "Replace settings that differ");
  private final CommandContext context;

  ConnectCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public void describe(CommandSpec spec) {
    spec.name("connect")
        .addPositional(client)
        .addOption(url)
        .addOption(keyEnv)
        .addOption(remove)
        .addOption(print)
        .addOption(force);
    spec.usageMessage()
        .description(
            "Lead Claude Code or codex to Relay.",
            "Changes the client's own settings, keeps all else in the file, and leaves a copy of it"
                + " as FILE.before-relay.")
        .footer(
            "  relay connect claude-code",
            "  relay connect codex --url http://relay.internal:8787",
            "  relay connect claude-code --remove");
  }

  @Override
  public boolean readsConfig() {
    return false;
  }

  @Override
  public int run(@Nullable Path config) {
    String name = Objects.requireNonNull(client.<String>getValue());
    if (name.equals("env")) {
      printVariables();
      return ExitCode.OK;
    }
    Path file = file(name);
    if (file == null) {
      context.err().println("relay connect: " + name + " is none of claude-code, codex, env");
      return ExitCode.USAGE;
    }
    try {
      String old = Files.exists(file) ? Files.readString(file) : "";
      return apply(file, old, edit(name, old));
    } catch (JsonProcessingException e) {
      context.err().println("relay connect: " + file + " is no JSON object; nothing is changed");
      return ExitCode.SOFTWARE;
    } catch (IOException e) {
      context.err().println("relay connect: " + file + " cannot be changed: " + e);
      return ExitCode.SOFTWARE;
    }
  }

  private ClientEdit edit(String name, String old) throws JsonProcessingException {
    if (name.equals("codex")) {
      return remove.<Boolean>getValue()
          ? CodexSettings.remove(old)
          : CodexSettings.connect(old, url(), variable(), force.<Boolean>getValue());
    }
    return remove.<Boolean>getValue()
        ? ClaudeSettings.remove(old, url())
        : ClaudeSettings.connect(old, url(), token(), force.<Boolean>getValue());
  }

  private int apply(Path file, String old, ClientEdit edit) throws IOException {
    if (print.<Boolean>getValue()) {
      context.out().print(edit.text());
      return ExitCode.OK;
    }
    if (!edit.differs().isEmpty()) {
      edit.differs().forEach(line -> context.err().println("relay connect: " + file + ": " + line));
      context.err().println("relay connect: nothing is changed; --force replaces what can be");
      return ExitCode.SOFTWARE;
    }
    if (edit.said().isEmpty()) {
      context.out().println(file + ": nothing to change");
      return ExitCode.OK;
    }
    Path copy = file.resolveSibling(file.getFileName() + ".before-relay");
    if (!old.isEmpty() && !Files.exists(copy)) {
      Files.copy(file, copy);
    }
    if (!Files.exists(file)) {
      Files.createDirectories(Objects.requireNonNull(file.toAbsolutePath().getParent()));
      var _ = // it may hold a credential
          Files.createFile(
              file,
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }
    Files.writeString(file, edit.text());
    edit.said().forEach(line -> context.out().println(file + ": " + line));
    if (!remove.<Boolean>getValue() && context.environment().get(variable()) == null) {
      context
          .out()
          .println(variable() + " is not set here: that is right if Relay asks for no credential");
    }
    return ExitCode.OK;
  }

  private void printVariables() {
    context.out().println("export ANTHROPIC_BASE_URL=" + url());
    context.out().println("export ANTHROPIC_AUTH_TOKEN=\"$" + variable() + "\"");
    context.out().println("export OPENAI_BASE_URL=" + url() + "/v1");
    context.out().println("export OPENAI_API_KEY=\"$" + variable() + "\"");
  }

  /** Null if the client is not known. */
  private @Nullable Path file(String name) {
    return switch (name) {
      case "claude-code" -> folder("CLAUDE_CONFIG_DIR", ".claude").resolve("settings.json");
      case "codex" -> folder("CODEX_HOME", ".codex").resolve("config.toml");
      default -> null;
    };
  }

  private Path folder(String override, String usual) {
    String named = context.environment().getOrDefault(override, "");
    return named.isEmpty()
        ? Path.of(context.environment().getOrDefault("HOME", ""), usual)
        : Path.of(named);
  }

  private String url() {
    String given = Objects.requireNonNullElse(url.<String>getValue(), DEFAULT_URL);
    return given.endsWith("/") ? given.substring(0, given.length() - 1) : given;
  }

  private String variable() {
    return Objects.requireNonNullElse(keyEnv.<String>getValue(), DEFAULT_VARIABLE);
  }

  private String token() {
    return context.environment().getOrDefault(variable(), NO_TOKEN);
  }
}
