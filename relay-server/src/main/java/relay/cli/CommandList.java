package relay.cli;

import java.util.List;
import java.util.Map;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The list of commands in the help: a title before the first command of each group. */
final class CommandList {
  private static final String STYLE = "\u001b\\[[0-9;]*m";

  private CommandList() {}

  /**
   * @param titles by the name of a group's first command
   */
  static void install(CommandSpec root, Map<String, String> titles) {
    var sections = root.usageMessage().sectionMap();
    sections.remove(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING);
    sections.put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, help -> of(help, titles));
  }

  private static String of(Help help, Map<String, String> titles) {
    StringBuilder list = new StringBuilder();
    for (String line : help.commandList().lines().toList()) {
      List<String> words = List.of(line.replaceAll(STYLE, "").split(" +", 3));
      boolean isCommand = line.startsWith("  ") && !line.startsWith("   ") && words.size() > 1;
      String title = isCommand ? titles.get(words.get(1)) : null;
      if (title != null) {
        list.append("%n%s:%n".formatted(title));
      }
      list.append(line).append(System.lineSeparator());
    }
    return list.toString();
  }
}
