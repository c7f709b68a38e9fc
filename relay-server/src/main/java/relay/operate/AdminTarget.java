package relay.operate;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.config.Secret;

/**
 * Which replica a command asks if a config is not to say it: the one at {@code --admin}, else at
 * {@code RELAY_ADMIN}. So an operator needs neither the config nor the providers' secrets.
 */
final class AdminTarget implements CommandTarget<AdminAccess> {
  private static final String ADDRESS = "RELAY_ADMIN";
  private static final String TOKEN = "RELAY_ADMIN_TOKEN";

  private final OptionSpec admin =
      Operands.option(
          "--admin", "URL", "Ask the replica with this admin address, not a config; or " + ADDRESS);
  private final OptionSpec tokenFile =
      Operands.option(
          "--token-file", "FILE", "Holds its server.admin_token; or " + TOKEN + " has the token");

  @Override
  public void addTo(CommandSpec spec) {
    spec.addOption(admin).addOption(tokenFile);
  }

  boolean isGiven() {
    return admin.getValue() != null;
  }

  @Override
  public @Nullable AdminAccess named(Map<String, String> environment) throws OperationFailed {
    String option = admin.getValue();
    String address = option == null ? environment.get(ADDRESS) : option;
    return address == null || address.isBlank()
        ? null
        : AdminAccess.at(uri(address.strip()), token(environment));
  }

  @Override
  public AdminAccess here(Map<String, String> environment) throws OperationFailed {
    return AdminAccess.at(URI.create("http://127.0.0.1:9091"), token(environment));
  }

  private static URI uri(String address) throws OperationFailed {
    try {
      URI uri = URI.create(address.contains("://") ? address : "http://" + address);
      if (uri.getHost() != null && uri.getScheme().matches("https?")) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // Told below, in the words of this command.
    }
    throw OperationFailed.badUsage(
        "--admin and " + ADDRESS + " take an address such as http://127.0.0.1:9091");
  }

  private @Nullable Secret token(Map<String, String> environment) throws OperationFailed {
    String file = tokenFile.getValue();
    if (file == null) {
      String token = environment.get(TOKEN);
      return token == null || token.isBlank() ? null : new Secret(token.strip());
    }
    try {
      return new Secret(Files.readString(Path.of(file)).strip());
    } catch (IOException | InvalidPathException e) {
      throw OperationFailed.badUsage("--token-file " + file + " cannot be read");
    }
  }
}
