package relay.redis.library;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * The scripts. All are functions of one library, which Redis keeps, replicates and persists like
 * data. So a call compiles nothing, and a failover loses no function.
 */
public enum ScriptFile {
  ACQUIRE,
  ACQUIRE_INDEXED,
  ACQUIRE_PINNED,
  ACQUIRE_NAMED,
  PICK,
  SETTLE,
  RENEW,
  REPORT,
  COOLDOWN,
  OBSERVE,
  QUARANTINE,
  QUARANTINED,
  RESTORE,
  ACCOUNT,
  REKEY,
  REOPEN,
  CHARGE,
  RECALL,
  CONFIGURE,
  PLAN,
  SURVEY,
  SWEEP,
  LEARN,
  BREAKER,
  EVIDENCE,
  REFUSE,
  PROBE,
  PIN,
  OWNER,
  BACKGROUND,
  NOTE,
  OPENED,
  TALLY,
  TALLIED,
  BUDGETS;

  private final String file = name().toLowerCase(Locale.ROOT);

  /** The library's text, as assembled by the build. */
  public static String library() {
    return Library.TEXT;
  }

  String file() {
    return file;
  }

  /** The function's name in Redis. */
  public String function() {
    return Library.NAME + "_" + file;
  }

  /**
   * Whether a request waits for the answer. Other calls are updates: if their answer is late, they
   * are not sent a second time, for a slow Redis would get ever more of them.
   */
  public boolean isAwaited() {
    return this != SETTLE && this != CHARGE;
  }

  private static final class Library {
    static final String TEXT = read("library");
    static final String NAME = TEXT.substring(ScriptLibrary.NAME_LINE.length(), TEXT.indexOf('\n'));
  }

  /** Assembles the library from all scripts. */
  static ScriptLibrary assemble() {
    return new ScriptLibrary(
        Arrays.stream(values()).map(script -> script.file).toList(), ScriptFile::read);
  }

  private static String read(String name) {
    try (InputStream in = ScriptFile.class.getResourceAsStream("/relay/redis/" + name + ".lua")) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks the script " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
