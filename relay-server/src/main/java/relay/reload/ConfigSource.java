package relay.reload;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.config.ConfigFile;
import relay.config.EnvironmentConfig;
import relay.config.FileReader;
import relay.config.Loaded;
import relay.config.RecordedReads;

/**
 * The source of a configuration: its file, the files that it names, and the environment at the
 * process's start. Used by one thread at a time.
 */
public final class ConfigSource {
  private final Path file;
  private final @Nullable String text; // instead of the file's
  private final Map<String, String> environment;
  private RecordedReads seen = new RecordedReads(FileReader.DISK);

  public ConfigSource(Path file, Map<String, String> environment) {
    this(file, null, environment);
  }

  /** A configuration that follows from the environment: it does not change while Relay runs. */
  public ConfigSource(EnvironmentConfig found) {
    this(Path.of("environment"), found.text(), found.environment());
  }

  private ConfigSource(Path file, @Nullable String text, Map<String, String> environment) {
    this.file = file;
    this.text = text;
    this.environment = Map.copyOf(environment);
  }

  /** The file's name as the user gave it. */
  Path file() {
    return file;
  }

  /** Reads the configuration, and records a hash of each file's contents. */
  public Loaded read() {
    RecordedReads reads = new RecordedReads(FileReader.DISK);
    Loaded loaded =
        text == null
            ? ConfigFile.load(file, environment, reads)
            : ConfigFile.parse(file, text, environment, reads);
    seen = reads;
    return loaded;
  }

  /** The files of the last {@link #read}, with hashes of their contents. */
  RecordedReads seen() {
    return seen;
  }
}
