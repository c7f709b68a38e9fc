package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kind of fault with its exact wording and place. Each case in {@code faults.txt} has a
 * title, a file and, marked by {@code =>}, the exact list of expected faults.
 */
final class FaultTableTest {

  @ParameterizedTest(name = "{0}")
  @MethodSource("table")
  void every_fault_is_reported_at_its_place(String title, String yaml, List<String> faults) {
    assertEquals(String.join("\n", faults), String.join("\n", Given.faults(yaml)), title);
  }

  static Stream<Arguments> table() {
    return Arrays.stream(text().split("(?m)^### ")).skip(1).map(FaultTableTest::entry);
  }

  private static Arguments entry(String text) {
    List<String> lines = text.lines().toList();
    String yaml =
        String.join("\n", lines.stream().skip(1).filter(line -> !line.startsWith("=> ")).toList());
    return Arguments.of(
        lines.getFirst(),
        yaml.replace("PROVIDERS", Given.PROVIDERS).replace('␀', '\0'),
        lines.stream()
            .filter(line -> line.startsWith("=> "))
            .map(line -> line.substring(3))
            .toList());
  }

  private static String text() {
    try (InputStream file = FaultTableTest.class.getResourceAsStream("faults.txt")) {
      return new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
