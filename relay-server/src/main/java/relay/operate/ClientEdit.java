package relay.operate;

import java.util.List;

/**
 * What becomes of a client's settings.
 *
 * @param text the file's new text
 * @param said what changes, a line each; none if nothing does
 * @param differs settings of the user that only {@code --force} replaces; then nothing is written
 */
record ClientEdit(String text, List<String> said, List<String> differs) {
  ClientEdit {
    said = List.copyOf(said);
    differs = List.copyOf(differs);
  }
}
