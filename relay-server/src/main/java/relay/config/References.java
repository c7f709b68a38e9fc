package relay.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Resolves <code>${NAME}</code>, <code>${NAME:-default}</code>, <code>${file:/path}</code> and
 * {@code $$} in one value. Works on parsed YAML values, so a resolved value is never interpreted as
 * YAML.
 */
final class References {
  static final int MAX_VALUE_CHARS = 65_536;
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final String FORMS =
      "write ${NAME}, ${NAME:-default} or ${file:/path} for a reference, $$ for a dollar sign";

  private final Map<String, String> environment;
  private final FileReader files;
  private final Path directory;
  private final boolean mayLackSecrets;

  /**
   * @param directory the configuration file's directory; resolves relative secret file names
   * @param mayLackSecrets whether a secret may be unknown: of a variable that is not set, or a file
   *     that cannot be read
   */
  References(
      Map<String, String> environment, FileReader files, Path directory, boolean mayLackSecrets) {
    this.environment = environment;
    this.files = files;
    this.directory = directory;
    this.mayLackSecrets = mayLackSecrets;
  }

  References(Map<String, String> environment, FileReader files, Path directory) {
    this(environment, files, directory, false);
  }

  /** Whether the value is a secret that this process lacks, and need not have. */
  boolean lacks(String raw) {
    return mayLackSecrets && resolve(raw) instanceof Resolution.Broken broken && broken.isAbsent();
  }

  sealed interface Resolution {
    /**
     * @param literal whether the value contains no reference, so that a message may show it
     */
    record Resolved(String value, boolean literal) implements Resolution {}

    /**
     * @param isAbsent whether the reference is well-formed, and leads nowhere here
     */
    record Broken(String wrong, String allowed, boolean isAbsent) implements Resolution {
      Broken(String wrong, String allowed) {
        this(wrong, allowed, false);
      }
    }
  }

  Resolution resolve(String raw) {
    StringBuilder value = new StringBuilder();
    boolean literal = true;
    int at = 0;
    while (at < raw.length()) {
      int dollar = raw.indexOf('$', at);
      if (dollar < 0) {
        dollar = raw.length();
      }
      value.append(raw, at, dollar);
      at = dollar;
      if (raw.startsWith("$$", at)) {
        value.append('$');
        at += 2;
      } else if (raw.startsWith("${", at)) {
        int end = raw.indexOf('}', at);
        if (end < 0) {
          return new Resolution.Broken("has a ${ without its }", FORMS);
        }
        switch (lookUp(raw.substring(at + 2, end))) {
          case Resolution.Broken broken -> {
            return broken;
          }
          case Resolution.Resolved resolved -> value.append(resolved.value());
        }
        literal = false;
        at = end + 1;
      } else if (at < raw.length()) {
        return new Resolution.Broken("has a lone dollar sign", FORMS);
      }
      if (value.length() > MAX_VALUE_CHARS) {
        return new Resolution.Broken(
            "is too long", "allowed: " + MAX_VALUE_CHARS + " characters at most");
      }
    }
    return new Resolution.Resolved(value.toString(), literal);
  }

  private Resolution lookUp(String reference) {
    if (reference.startsWith("file:")) {
      return readFile(reference.substring("file:".length()));
    }
    int separator = reference.indexOf(":-");
    String name = separator < 0 ? reference : reference.substring(0, separator);
    String fallback = separator < 0 ? null : reference.substring(separator + 2);
    Matcher wellFormed = NAME.matcher(name);
    if (!wellFormed.matches() || (fallback != null && fallback.contains("$"))) {
      // Do not show the reference: it may be a credential in braces.
      return new Resolution.Broken("has a malformed reference", FORMS);
    }
    @Nullable String set = environment.get(name);
    if (fallback != null && (set == null || set.isEmpty())) {
      return new Resolution.Resolved(fallback, false);
    }
    if (set == null) {
      return new Resolution.Broken(
          "names the environment variable " + name + ", which is not set",
          "set it, or give a default: ${" + name + ":-default}",
          true);
    }
    return new Resolution.Resolved(set, false);
  }

  private Resolution readFile(String name) {
    String allowed = "give a readable UTF-8 text file of at most " + MAX_VALUE_CHARS + " bytes";
    byte[] content;
    try {
      if (name.isBlank()) {
        return new Resolution.Broken("names no file", allowed);
      }
      content = read(name, MAX_VALUE_CHARS + 1);
    } catch (IOException e) {
      return new Resolution.Broken(
          "names the file " + FaultWording.shown(name) + ", which " + FileReader.reason(e),
          allowed,
          true);
    } catch (InvalidPathException e) {
      return new Resolution.Broken("names a file with an invalid name", allowed);
    }
    if (content.length > MAX_VALUE_CHARS) {
      return new Resolution.Broken(
          "names the file " + FaultWording.shown(name) + ", which is too long", allowed);
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
      return new Resolution.Resolved(withoutLineEnd(text), false);
    } catch (CharacterCodingException e) {
      return new Resolution.Broken(
          "names the file " + FaultWording.shown(name) + ", which is not UTF-8", allowed);
    }
  }

  /** Reads the first bytes of a file; a relative name is resolved against the directory. */
  byte[] read(String name, int maxBytes) throws IOException {
    return files.read(directory.resolve(name), maxBytes);
  }

  /** A variable of the environment; empty if it is not set. */
  String environment(String name) {
    return environment.getOrDefault(name, "");
  }

  /** Where a relative name leads. */
  Path resolved(String name) {
    return directory.resolve(name);
  }

  /** The references of another file: relative names are resolved against its directory. */
  References beside(String file) {
    Path parent = resolved(file).getParent();
    Path beside = parent == null ? directory : parent;
    return new References(environment, files, beside, mayLackSecrets);
  }

  private static String withoutLineEnd(String text) {
    if (text.endsWith("\r\n")) {
      return text.substring(0, text.length() - 2);
    }
    return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }
}
