package relay.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;

/**
 * The versions of the program and of its JVM.
 *
 * @param version Relay's
 * @param commit of the sources, {@code -dirty} if they differed from it; {@code unknown} if they
 *     were built outside Git
 * @param java the running JVM's version and vendor
 */
record Version(String version, String commit, String java) {

  /** This program's; the build writes the first two into a resource. */
  static Version current() {
    Properties built = new Properties();
    try (InputStream resource =
        Objects.requireNonNull(Version.class.getResourceAsStream("version.properties"))) {
      built.load(resource);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read version.properties of the jar", e);
    }
    return new Version(
        built.getProperty("version", "unknown"),
        built.getProperty("commit", "unknown"),
        Runtime.version() + " (" + System.getProperty("java.vendor", "unknown vendor") + ")");
  }

  /** {@code {"version": "0.1.0", "commit": "1a2b3c4", "java": "25.0.3+9-LTS (Vendor)"}}. */
  String json() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("version", version)
        .put("commit", commit)
        .put("java", java)
        .toString();
  }

  /** One line: {@code relay 0.1.0 (commit 1a2b3c4, Java 25.0.3+9-LTS (Vendor))}. */
  @Override
  public String toString() {
    return "relay " + version + " (commit " + commit + ", Java " + java + ")";
  }
}
