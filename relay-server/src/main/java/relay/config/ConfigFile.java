package relay.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.Node;

/** Finds and reads the configuration file. */
public final class ConfigFile {
  private static final int MAX_BYTES = YamlSource.MAX_CHARS;
  private static final Place START = new Place(1, 1, "file");

  private ConfigFile() {}

  /** Reads a file and its secret files, and resolves references from the environment. */
  public static Loaded load(Path file, Map<String, String> environment) {
    return load(file, environment, FileReader.DISK);
  }

  /**
   * As {@link #load(Path, Map)}, for a program that sends no request: secrets that are not set here
   * are left out, and keys whose id would follow from one.
   */
  public static Loaded withoutSecrets(Path file, Map<String, String> environment) {
    return load(file, environment, FileReader.DISK, true);
  }

  /**
   * As {@link #load(Path, Map)}, with files read through {@code files}. The outcome depends only on
   * the parameters and the reader's results.
   */
  public static Loaded load(Path file, Map<String, String> environment, FileReader files) {
    return load(file, environment, files, false);
  }

  private static Loaded load(
      Path file, Map<String, String> environment, FileReader files, boolean mayLackSecrets) {
    byte[] bytes;
    try {
      bytes = files.read(file, MAX_BYTES + 1);
    } catch (IOException e) {
      return refused(file, FileReader.reason(e), "name a readable file with --config FILE");
    }
    if (bytes.length > MAX_BYTES) {
      return refused(file, "is too long", "allowed: at most " + MAX_BYTES + " bytes");
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return parse(file, text, new References(environment, files, directory(file), mayLackSecrets));
    } catch (CharacterCodingException e) {
      return refused(file, "is not UTF-8", "save it as UTF-8");
    }
  }

  /**
   * Reads the text of a file.
   *
   * @param file the file's name in faults; its directory resolves relative secret file names
   */
  public static Loaded parse(
      Path file, String text, Map<String, String> environment, FileReader files) {
    return parse(file, text, new References(environment, files, directory(file)));
  }

  private static Loaded parse(Path file, String text, References references) {
    Faults faults = new Faults(file.toString());
    // Strip the byte order mark: the YAML parser would read it as content.
    Node root = YamlSource.read(text.startsWith("\uFEFF") ? text.substring(1) : text, faults);
    if (root != null) {
      Config config = RootSection.read(new Value(root, "", new Value.Context(faults, references)));
      if (faults.isEmpty()) {
        return new Loaded.Valid(config);
      }
    }
    return new Loaded.Invalid(faults.inOrder());
  }

  /**
   * The default file: the first of {@link #candidates} that exists.
   *
   * @param directory the working directory; an empty path yields a relative file name
   */
  public static Optional<Path> find(
      Path directory, Map<String, String> environment, Predicate<Path> exists) {
    return candidates(directory, environment).stream().filter(exists).findFirst();
  }

  /**
   * {@code relay.yaml} in the working directory, then in {@code $XDG_CONFIG_HOME/relay} ({@code
   * ~/.config/relay} if that is not set), then in {@code /etc/relay}.
   */
  public static List<Path> candidates(Path directory, Map<String, String> environment) {
    List<Path> candidates = new ArrayList<>();
    candidates.add(directory.resolve("relay.yaml"));
    String xdg = absolute(environment.get("XDG_CONFIG_HOME"));
    String home = absolute(environment.get("HOME"));
    if (xdg != null) {
      candidates.add(Path.of(xdg, "relay", "relay.yaml"));
    } else if (home != null) {
      candidates.add(Path.of(home, ".config", "relay", "relay.yaml"));
    }
    candidates.add(Path.of("/etc/relay/relay.yaml"));
    return candidates;
  }

  /** The XDG Base Directory Specification says to ignore relative paths. */
  private static @Nullable String absolute(@Nullable String directory) {
    return directory != null && directory.startsWith("/") ? directory : null;
  }

  private static Path directory(Path file) {
    Path parent = file.getParent();
    return parent == null ? Path.of("") : parent;
  }

  private static Loaded refused(Path file, String wrong, String allowed) {
    Faults faults = new Faults(file.toString());
    faults.add(START, wrong, allowed);
    return new Loaded.Invalid(faults.inOrder());
  }
}
