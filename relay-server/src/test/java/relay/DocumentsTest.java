package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.ParameterException;

/** Links, paths, class names and commands in the Markdown pages exist. */
@Tag("slow")
final class DocumentsTest {
  private static final Path README = Documents.ROOT.resolve("README.md");
  private static final Path ARCHITECTURE = Documents.ROOT.resolve("ARCHITECTURE.md");
  private static final Path DOCS = Documents.ROOT.resolve("docs");

  private static final Pattern LINK = Pattern.compile("\\[[^\\]\n]*\\]\\(([^)\\s]+)\\)");
  private static final Pattern FILE =
      Pattern.compile("(?:relay-[a-z-]+|guards|deploy|docs)/[\\w./-]*[\\w/]");
  private static final Pattern CLASS = Pattern.compile("[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+");
  private static final Pattern LUA = Pattern.compile("[a-z_][a-z_/]*\\.lua");
  private static final Pattern DECLARED = Pattern.compile("(?:class|record|interface|enum) (\\w+)");
  private static final Pattern ALERT = Pattern.compile("- alert: (\\w+)");
  private static final Pattern TEST = Pattern.compile("-Dtest='?([\\w,*]+)");
  private static final Pattern RELAY =
      Pattern.compile("(?m)(?:^|[`$] ?)(?:\\./)?relay ([a-z][^`\n]*)");
  private static final Pattern RUN = Pattern.compile("relay-benchmarks/run ([a-z-]+)");

  /** Names in prose that belong to libraries or protocols. */
  private static final Set<String> FOREIGN =
      Set.of(
          "InvokeModel",
          "InvokeModelWithResponseStream",
          "XnioIoThread",
          "AnthropicOkHttpClient",
          "OpenAIOkHttpClient",
          "AnthropicChatModel",
          "OpenAiChatModel");

  private static final int MOST_CHARACTERS = 160;

  static List<Path> pages() throws IOException {
    return Documents.pages();
  }

  @Test
  void the_pages_are_found() throws IOException {
    Set<String> names =
        pages().stream().map(p -> p.getFileName().toString()).collect(Collectors.toSet());
    assertTrue(
        names.containsAll(Set.of("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "limits.md")),
        names::toString);
  }

  @ParameterizedTest
  @MethodSource("pages")
  void every_link_leads_to_a_file_and_a_heading(Path page) {
    List<String> dead = new ArrayList<>();
    Documents.matches(LINK, Documents.prose(page).replaceAll("`[^`\n]*`", ""))
        .map(link -> link.group(1))
        .filter(link -> !link.startsWith("https://"))
        .filter(link -> !leads(page, link))
        .forEach(dead::add);
    assertEquals(List.of(), dead);
  }

  private static boolean leads(Path page, String link) {
    String[] parts = link.split("#", 2);
    Path target = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]);
    return Files.exists(target)
        && (parts.length == 1 || Documents.anchors(target).contains(parts[1]));
  }

  @ParameterizedTest
  @MethodSource("pages")
  void every_path_of_the_repository_exists(Path page) {
    List<String> missing = new ArrayList<>();
    for (String code : codeAndCommands(page)) {
      Documents.matches(Pattern.compile("(?<![\\w/.@{-])" + FILE.pattern()), code)
          .map(path -> path.group())
          .filter(path -> !path.contains("/target/") && !path.matches(".*/[A-Z]+\\.yaml"))
          .filter(path -> !Files.exists(Documents.ROOT.resolve(path)))
          .filter(path -> !Files.exists(page.resolveSibling(path)))
          .forEach(missing::add);
    }
    assertEquals(List.of(), missing);
  }

  @ParameterizedTest
  @MethodSource("pages")
  void every_class_and_alert_in_code_exists(Path page) throws IOException {
    Set<String> classes = new TreeSet<>();
    for (Path file : Documents.files(".java")) {
      Documents.matches(DECLARED, Documents.read(file)).forEach(type -> classes.add(type.group(1)));
    }
    Documents.matches(
            ALERT, Documents.read(Documents.ROOT.resolve("deploy/monitoring/alerts.yaml")))
        .forEach(alert -> classes.add(alert.group(1)));
    List<String> unknown = new ArrayList<>();
    for (String code : Documents.code(page)) {
      if (CLASS.matcher(code).matches() && !FOREIGN.contains(code) && !classes.contains(code)) {
        unknown.add(code);
      }
    }
    for (String code : codeAndCommands(page)) {
      Documents.matches(TEST, code)
          .flatMap(test -> Arrays.stream(test.group(1).split(",", -1)))
          .filter(test -> !classes.contains(test))
          .forEach(unknown::add);
    }
    assertEquals(List.of(), unknown);
  }

  /** Scripts and modules; a page may leave out the folder. */
  @ParameterizedTest
  @MethodSource("pages")
  void every_lua_file_in_code_exists(Path page) throws IOException {
    List<String> files =
        Documents.files(".lua").stream().map(file -> "/" + file.toString()).toList();
    List<String> missing = new ArrayList<>();
    for (String code : Documents.code(page)) {
      Documents.matches(LUA, code)
          .map(file -> file.group())
          .filter(name -> files.stream().noneMatch(file -> file.endsWith("/" + name)))
          .forEach(missing::add);
    }
    assertEquals(List.of(), missing);
  }

  @ParameterizedTest
  @MethodSource("pages")
  void every_command_is_one_that_the_program_takes(Path page) {
    List<String> wrong = new ArrayList<>();
    for (String code : codeAndCommands(page)) {
      Documents.matches(RELAY, code)
          .map(command -> command.group(1).replaceAll("\\s*(#|\\|| {3}).*", "").strip())
          .filter(command -> !isCommand(command))
          .forEach(wrong::add);
      Documents.matches(RUN, code)
          .map(run -> run.group(1))
          .filter(run -> !Documents.read(runner()).matches("(?s).*\n  [^\n]*\\b" + run + "\\b.*"))
          .forEach(wrong::add);
    }
    assertEquals(List.of(), wrong);
  }

  private static boolean isCommand(String text) {
    String[] words = text.replaceAll("[\\[\\]]", "").split("\\s+", -1);
    try {
      Main.commandLine(Map.of(), System.out, System.err)
          .parseArgs(words.length == 1 ? new String[] {words[0], "--help"} : words);
      return true;
    } catch (ParameterException _) {
      return false;
    }
  }

  private static Path runner() {
    return Documents.ROOT.resolve("relay-benchmarks/run");
  }

  /** Inline code, each in backticks, and the blocks of shell. */
  private static List<String> codeAndCommands(Path page) {
    return Stream.concat(
            Documents.code(page).stream().map(code -> "`" + code),
            Stream.of("sh", "").flatMap(language -> Documents.blocks(page, language).stream()))
        .toList();
  }

  @Test
  void the_readme_takes_five_minutes() {
    long lines = Documents.read(README).lines().count();
    assertTrue(lines <= 190, "README.md: " + lines + " lines, at most 190; move the rest to docs/");
  }

  /** So that a diff shows what changed; tables and code may be wider. */
  @ParameterizedTest
  @MethodSource("pages")
  void a_line_of_prose_has_at_most_160_characters(Path page) {
    boolean code = false;
    for (String line : Documents.read(page).split("\n", -1)) {
      code ^= line.strip().startsWith("```");
      boolean prose = !code && !line.strip().startsWith("|") && !line.startsWith("    ");
      assertTrue(!prose || line.length() <= MOST_CHARACTERS, page + ": " + line);
    }
  }

  /** Tables are looked up, not read: the one of bounds grows with each bound. */
  @Test
  void the_architecture_is_short() {
    long words =
        Documents.read(ARCHITECTURE)
            .lines()
            .filter(line -> !line.startsWith("|"))
            .flatMap(line -> Stream.of(line.split("\\s+", -1)))
            .count();
    assertTrue(words <= 2_500, "ARCHITECTURE.md: " + words + " words in text, at most 2,500");
  }

  @Test
  void the_index_names_every_page() throws IOException {
    String index = Documents.read(DOCS.resolve("README.md"));
    try (Stream<Path> pages = Files.list(DOCS)) {
      List<String> unnamed =
          pages
              .map(page -> page.getFileName().toString())
              .filter(name -> name.endsWith(".md") && !name.equals("README.md"))
              .filter(name -> !index.contains("](" + name + ")"))
              .toList();
      assertEquals(List.of(), unnamed);
    }
  }
}
