package relay.redis.mutation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.redis.library.ScriptFile;

/** The list of faults for {@link MutationRun} fits the scripts, and the page matches the list. */
@Tag("slow")
final class MutationListTest {
  @Test
  void the_text_of_each_fault_occurs_once_in_its_script() {
    List<String> wrong = new ArrayList<>();
    for (Mutation mutation : Mutation.all()) {
      if (mutation.occurrences() != 1 || mutation.text().equals(mutation.instead())) {
        wrong.add(mutation.name() + ": " + mutation.occurrences() + " times");
      }
    }
    assertEquals(List.of(), wrong);
    assertTrue(Mutation.all().size() >= 30);
  }

  @Test
  void the_suite_is_there() {
    List<String> missing = new ArrayList<>();
    for (String test : MutationRun.SUITE) {
      String file = test.replaceFirst("#.*", "").replace('.', '/') + ".java";
      if (!Files.exists(Path.of("src/test/java/relay/redis").resolve(file))) {
        missing.add(test);
      }
    }
    assertEquals(List.of(), missing);
  }

  @Test
  void each_fault_is_in_what_redis_is_given() throws IOException {
    for (Mutation mutation : Mutation.all()) {
      try (InputStream in = new MutantLoader(mutation).getResourceAsStream(MutantLoader.LIBRARY)) {
        String library = new String(Objects.requireNonNull(in).readAllBytes(), UTF_8);
        assertNotEquals(ScriptFile.library(), library, mutation.name());
      }
    }
  }

  @Test
  void the_page_names_each_fault_and_its_catcher() throws IOException {
    String page = Files.readString(Path.of("MUTATIONS.md"));
    assertTrue(page.startsWith(MutationPage.HEAD));
    List<String> told =
        page.substring(MutationPage.HEAD.length())
            .lines()
            .map(row -> row.substring(0, row.lastIndexOf(" | ")))
            .toList();
    List<String> expected =
        Mutation.all().stream()
            .map(m -> MutationPage.row(m, "").strip())
            .map(row -> row.substring(0, row.lastIndexOf(" |")).stripTrailing())
            .map(row -> row.substring(0, row.lastIndexOf(" |")))
            .toList();
    assertEquals(expected, told);
    assertTrue(page.lines().noneMatch(line -> line.contains("**nothing**")), "one was not caught");
  }
}
