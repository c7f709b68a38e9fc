package relay.operate;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The lines of codex's {@code config.toml} that lead it to Relay: a provider, and its choice. All
 * other lines stay as they are.
 */
final class CodexSettings {
  private static final String MARK = "# relay connect";
  private static final String CHOICE = "model_provider = \"relay\"  " + MARK;
  private static final String KEPT = MARK + " kept: ";
  private static final String BLOCK = "[model_providers.relay]  " + MARK;
  private static final Pattern CHOOSES = Pattern.compile("\\s*model_provider\\s*=.*");
  private static final Pattern TABLE = Pattern.compile("\\s*\\[.*");
  private static final Pattern OTHER_BLOCK =
      Pattern.compile("\\s*\\[\\s*model_providers\\s*\\.\\s*\"?relay\"?\\s*].*");

  private CodexSettings() {}

  static ClientEdit connect(String old, String url, String keyVariable, boolean force) {
    List<String> lines = new ArrayList<>(remove(old).text().lines().toList());
    List<String> differs = new ArrayList<>();
    for (int n = 0; n < lines.size(); n++) {
      if (OTHER_BLOCK.matcher(lines.get(n)).matches()) {
        // two tables of one name are no TOML: no force helps
        differs.add("line " + (n + 1) + " is another [model_providers.relay]: remove it by hand");
      }
    }
    int tables = 0;
    while (tables < lines.size() && !TABLE.matcher(lines.get(tables)).matches()) {
      if (CHOOSES.matcher(lines.get(tables)).matches()) {
        if (!force) {
          differs.add("line " + (tables + 1) + " chooses another provider: " + lines.get(tables));
        }
        lines.set(tables, KEPT + lines.get(tables));
      }
      tables++;
    }
    lines.addFirst(CHOICE);
    lines.add(BLOCK);
    lines.add("name = \"Relay\"");
    lines.add("base_url = \"" + url + "/v1\"");
    lines.add("env_key = \"" + keyVariable + "\"");
    lines.add("wire_api = \"responses\"");
    String text = String.join("\n", lines) + "\n";
    if (text.equals(old)) {
      return new ClientEdit(old, List.of(), List.of());
    }
    return new ClientEdit(
        text,
        List.of(
            "sets model_provider", "adds [model_providers.relay], whose key is in " + keyVariable),
        differs);
  }

  /** Takes back what {@link #connect} set. */
  static ClientEdit remove(String old) {
    List<String> lines = old.lines().toList();
    List<String> left = new ArrayList<>();
    boolean inBlock = false;
    for (String line : lines) {
      if (line.equals(BLOCK)) {
        inBlock = true;
      } else if (inBlock && (line.isBlank() || TABLE.matcher(line).matches())) {
        inBlock = false;
      }
      if (!inBlock && !line.equals(CHOICE)) {
        left.add(line.startsWith(KEPT) ? line.substring(KEPT.length()) : line);
      }
    }
    if (left.equals(lines)) {
      return new ClientEdit(old, List.of(), List.of());
    }
    return new ClientEdit(
        left.isEmpty() ? "" : String.join("\n", left) + "\n",
        List.of("removes model_provider and [model_providers.relay]"),
        List.of());
  }
}
