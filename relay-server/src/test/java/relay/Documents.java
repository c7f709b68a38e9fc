package relay;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The repository's files, and the parts of its Markdown pages. */
public final class Documents {
  public static final Path ROOT = Path.of("..");

  private static final Set<String> SKIPPED = Set.of("target", "node_modules", ".git");
  private static final Pattern BLOCK = Pattern.compile("(?ms)^ *```(\\w*)\n(.*?)^ *```$");
  private static final Pattern CODE = Pattern.compile("`([^`\n]+)`");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.+)$");

  private Documents() {}

  /** All files of a suffix, without those that a build makes. */
  public static List<Path> files(String suffix) throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            return SKIPPED.contains(directory.getFileName().toString())
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.toString().endsWith(suffix)) {
              found.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return found.stream().sorted().toList();
  }

  /** The Markdown pages that readers see. */
  public static List<Path> pages() throws IOException {
    return files(".md").stream()
        .filter(page -> !page.toString().contains("/src/test/resources/"))
        .toList();
  }

  /** The text of a page. */
  public static String read(Path page) {
    try {
      return Files.readString(page);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The fenced blocks of one language, which may be empty. */
  public static List<String> blocks(Path page, String language) {
    return matches(BLOCK, read(page))
        .filter(block -> block.group(1).equals(language))
        .map(block -> block.group(2))
        .toList();
  }

  /** The text without fenced blocks. */
  static String prose(Path page) {
    return BLOCK.matcher(read(page)).replaceAll("");
  }

  /** Inline code, without the backticks. */
  static List<String> code(Path page) {
    return matches(CODE, prose(page)).map(code -> code.group(1)).toList();
  }

  /** The anchors of a page's headings, as GitHub makes them. */
  static Set<String> anchors(Path page) {
    Set<String> anchors = new HashSet<>();
    matches(HEADING, prose(page))
        .map(heading -> heading.group(1).toLowerCase(Locale.ROOT))
        .map(heading -> heading.replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-'))
        .forEach(anchors::add);
    return anchors;
  }

  static Stream<MatchResult> matches(Pattern pattern, String text) {
    return pattern.matcher(text).results();
  }
}
