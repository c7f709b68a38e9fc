package relay.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** The scripts, each read once from its file with its includes in place of their directives. */
enum ScriptFile {
  ACQUIRE,
  PICK,
  SETTLE,
  CANCEL,
  RENEW,
  COOLDOWN,
  QUARANTINE,
  RESTORE,
  CHARGE,
  CONFIGURE,
  SURVEY,
  LEARN,
  BREAKER,
  PROBE;

  private static final String INCLUDE = "-- @include ";

  private final String text;
  private final String sha;

  ScriptFile() {
    text = assemble(name().toLowerCase(Locale.ROOT) + ".lua");
    sha = sha1(text.getBytes(StandardCharsets.UTF_8));
  }

  byte[] text() {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** The digest by which Redis knows the script. */
  String sha() {
    return sha;
  }

  private static String assemble(String file) {
    StringBuilder out = new StringBuilder();
    for (String line : read(file).split("\n", -1)) {
      if (line.startsWith(INCLUDE)) {
        out.append(strip(read("include/" + line.substring(INCLUDE.length()).strip() + ".lua")));
      } else if (!line.startsWith("--")) {
        out.append(line).append('\n');
      }
    }
    return out.toString();
  }

  /** Without whole-line comments: they would only be sent and kept. */
  private static String strip(String lua) {
    StringBuilder out = new StringBuilder();
    lua.lines()
        .filter(line -> !line.stripLeading().startsWith("--"))
        .forEach(line -> out.append(line).append('\n'));
    return out.toString();
  }

  private static String read(String file) {
    try (InputStream in = ScriptFile.class.getResourceAsStream("/relay/redis/" + file)) {
      if (in == null) {
        throw new IllegalStateException("script " + file + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String sha1(byte[] text) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
