package relay.config;

/**
 * One error in a configuration file. Never holds a secret.
 *
 * @param file the file's name as the user gave it
 * @param line from 1
 * @param column from 1, in characters
 * @param path the setting's path, such as {@code providers[0].keys[1].rpm_limit}
 * @param wrong the error
 * @param allowed the allowed values, or the remedy
 */
public record ConfigFault(
    String file, int line, int column, String path, String wrong, String allowed) {

  /** {@code FILE:LINE:COLUMN: path.to.value: what is wrong; what is allowed}. */
  @Override
  public String toString() {
    return file + ":" + line + ":" + column + ": " + path + ": " + wrong + "; " + allowed;
  }
}
