package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.regex.Pattern;

/**
 * Finds the ids of what a provider keeps for an account: stored answers, conversations, files,
 * containers, batches, and encrypted reasoning. Reads JSON, or a stream of events with JSON, split
 * anywhere: each string value of an id's form counts, whatever its name. Holds the last {@value
 * #MOST} ids. Not thread-safe.
 */
public final class StateIds {
  private static final int MOST = 16;
  private static final int MOST_BYTES = 200;

  /** The beginning of an encrypted text, which no other has: a time and a random number. */
  private static final int OF_ENCRYPTED = 160;

  private static final String ENCRYPTED = "encrypted_content";
  private static final Pattern FORM =
      Pattern.compile(
          "(resp|conv|file|cntr|container|batch|msgbatch|vs)[_-][A-Za-z0-9][A-Za-z0-9_-]{2,180}");

  private final SequencedSet<String> ids = new LinkedHashSet<>();
  private final byte[] text = new byte[MOST_BYTES];
  private int length;
  private boolean inString;
  private boolean escaped;
  private boolean ended; // a string has ended, and the next byte shows whether it was a name
  private boolean isEncrypted; // the value that follows

  /** The ids in a text that is no JSON, such as a path. */
  public static List<String> inPath(String path) {
    StateIds found = new StateIds();
    for (String segment : path.split("/", -1)) {
      if (FORM.matcher(segment).matches()) {
        found.add(segment);
      }
    }
    return found.ids();
  }

  /** The ids in a whole document. */
  public static List<String> in(byte[] json, int length) {
    StateIds found = new StateIds();
    found.feed(json, 0, length);
    return found.ids();
  }

  /** Reads the next bytes; the buffer is not kept. */
  public void feed(byte[] buf, int off, int len) {
    int end = off + len;
    for (int p = off; p < end; ) {
      p = inString ? string(buf, p, end) : between(buf[p], p);
    }
  }

  private int between(byte b, int p) {
    if (ended && b == ':') {
      isEncrypted = is(ENCRYPTED);
      ended = false;
    } else if (b > ' ') {
      value();
      inString = b == '"';
      length = inString ? 0 : length;
      isEncrypted &= b != '{' && b != '[';
    }
    return p + 1;
  }

  private int string(byte[] buf, int p, int end) {
    if (escaped) {
      escaped = false;
      keep(buf, p, p + 1);
      return p + 1;
    }
    int stop = ByteSearch.stringStop(buf, p, end);
    keep(buf, p, stop);
    if (stop == end) {
      return end;
    }
    if (buf[stop] == '\\') {
      escaped = true;
    } else {
      inString = false;
      ended = buf[stop] == '"'; // a line that ends within a string is no JSON
    }
    return stop + 1;
  }

  private void keep(byte[] buf, int from, int to) {
    int kept = Math.min(to - from, MOST_BYTES - length);
    System.arraycopy(buf, from, text, length, kept);
    length += kept;
  }

  /** The last string was a value. */
  private void value() {
    if (!ended) {
      return;
    }
    ended = false;
    if (isEncrypted) {
      isEncrypted = false;
      add("encrypted " + new String(text, 0, Math.min(length, OF_ENCRYPTED), UTF_8));
    } else if (mayBe()) {
      String id = new String(text, 0, length, UTF_8);
      if (length < MOST_BYTES && FORM.matcher(id).matches()) {
        add(id);
      }
    }
  }

  /** By its first byte: most values are none. */
  private boolean mayBe() {
    return length > 5
        && switch (text[0]) {
          case 'r', 'c', 'f', 'b', 'm', 'v' -> true;
          default -> false;
        };
  }

  private boolean is(String name) {
    if (length != name.length()) {
      return false;
    }
    for (int n = 0; n < length; n++) {
      if (text[n] != name.charAt(n)) {
        return false;
      }
    }
    return true;
  }

  private void add(String id) {
    ids.remove(id);
    ids.add(id);
    if (ids.size() > MOST) {
      ids.removeFirst();
    }
  }

  /** The ids so far, the last one first. */
  public List<String> ids() {
    value();
    return List.copyOf(ids.reversed());
  }
}
