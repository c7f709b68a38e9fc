package relay.config;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import relay.model.Sha256;

/**
 * Reads files and records a hash of each content, to detect a change later. Contents are compared,
 * not times: a network mount may keep the time, a ConfigMap's symlinks point elsewhere, and an
 * editor may write the same again. Used by one thread at a time.
 */
public final class RecordedReads implements FileReader {
  private record Read(Path path, int maxBytes) implements Comparable<Read> {
    @Override
    public int compareTo(Read other) {
      int byPath = path.compareTo(other.path);
      return byPath != 0 ? byPath : Integer.compare(maxBytes, other.maxBytes);
    }
  }

  private final FileReader files;
  private final Map<Read, String> contents = new TreeMap<>();

  public RecordedReads(FileReader files) {
    this.files = files;
  }

  @Override
  public byte[] read(Path path, int maxBytes) throws IOException {
    Read read = new Read(path, maxBytes);
    try {
      byte[] bytes = files.read(path, maxBytes);
      contents.put(read, digest(bytes));
      return bytes;
    } catch (IOException e) {
      contents.put(read, FileReader.reason(e));
      throw e;
    }
  }

  /** Reads the same files again. */
  public RecordedReads again() {
    RecordedReads now = new RecordedReads(files);
    for (Read read : contents.keySet()) {
      try {
        now.read(read.path(), read.maxBytes());
      } catch (IOException e) {
        // what it says is recorded
      }
    }
    return now;
  }

  /** Whether the same files had the same contents. */
  public boolean sameAs(RecordedReads other) {
    return contents.equals(other.contents);
  }

  private static String digest(byte[] bytes) {
    return HexFormat.of().formatHex(Sha256.begin().digest(bytes));
  }
}
