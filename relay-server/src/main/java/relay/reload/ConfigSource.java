package relay.reload;

import java.nio.file.Path;
import java.util.Map;
import relay.config.ConfigFile;
import relay.config.FileReader;
import relay.config.Loaded;
import relay.config.RecordedReads;

/**
 * Where a configuration comes from: its file, the files that it names, and the environment, which
 * stays as it is while a process runs. Used by one thread at a time.
 */
public final class ConfigSource {
  private final Path file;
  private final Map<String, String> environment;
  private RecordedReads seen = new RecordedReads(FileReader.DISK);

  public ConfigSource(Path file, Map<String, String> environment) {
    this.file = file;
    this.environment = Map.copyOf(environment);
  }

  /** The file's name as the user gave it. */
  Path file() {
    return file;
  }

  /** Reads the configuration, and remembers the contents of all its files. */
  public Loaded read() {
    RecordedReads reads = new RecordedReads(FileReader.DISK);
    Loaded loaded = ConfigFile.load(file, environment, reads);
    seen = reads;
    return loaded;
  }

  /** The contents at the last {@link #read}. */
  RecordedReads seen() {
    return seen;
  }
}
