package relay.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * The scripts. All are functions of one library, which Redis keeps, replicates and saves as it does
 * data: so a call costs no compiled text's prelude, and a failover forgets none of them.
 */
enum ScriptFile {
  ACQUIRE,
  ACQUIRE_INDEXED,
  PICK,
  SETTLE,
  RENEW,
  COOLDOWN,
  OBSERVE,
  QUARANTINE,
  RESTORE,
  REKEY,
  REOPEN,
  CHARGE,
  CONFIGURE,
  SURVEY,
  LEARN,
  BREAKER,
  PROBE,
  TALLY,
  TALLIED;

  private final String file = name().toLowerCase(Locale.ROOT);

  /** What Redis is given, as the build has put it together. */
  static String library() {
    return Library.TEXT;
  }

  /** The name by which it is called. */
  String function() {
    return Library.NAME + "_" + file;
  }

  private static final class Library {
    static final String TEXT = read("library");
    static final String NAME = TEXT.substring(ScriptLibrary.NAMED.length(), TEXT.indexOf('\n'));
  }

  /** The library, from all scripts. */
  static ScriptLibrary putTogether() {
    return new ScriptLibrary(
        Arrays.stream(values()).map(script -> script.file).toList(), ScriptFile::read);
  }

  private static String read(String name) {
    try (InputStream in = ScriptFile.class.getResourceAsStream("/relay/redis/" + name + ".lua")) {
      if (in == null) {
        throw new IllegalStateException("script " + name + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
