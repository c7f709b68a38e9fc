package relay.guards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every Java file has google-java-format's format. {@code -Dformat.write=true} rewrites the files.
 */
@Tag("slow")
class FormatTest {
  private static final String FIX =
      "./mvnw -q test -Dtest=FormatTest -Dsurefire.failIfNoSpecifiedTests=false"
          + " -Dformat.write=true";

  @Test
  void java_files_have_the_format() throws IOException {
    List<Path> files = Sources.endingIn(".java");
    assertFalse(files.isEmpty(), "found no Java file: is the module the working directory?");
    boolean write = Boolean.getBoolean("format.write");
    Formatter formatter = new Formatter();
    List<String> wrong = new ArrayList<>();
    for (Path file : files) {
      String source = Sources.read(file);
      String formatted;
      try {
        formatted = formatter.formatSourceAndFixImports(source);
      } catch (FormatterException e) {
        wrong.add(file + ": " + e.getMessage());
        continue;
      }
      if (!formatted.equals(source)) {
        if (write) {
          Files.writeString(file, formatted);
        } else {
          wrong.add(file.toString());
        }
      }
    }
    assertEquals(List.of(), wrong, "wrong format; to rewrite the files: " + FIX);
  }
}
