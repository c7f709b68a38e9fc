package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FleetSizeTest {
  @TempDir Path directory;
  private long nanos;

  private FleetSize size() {
    return new FleetSize(directory.resolve("made"), () -> nanos);
  }

  @Test
  void the_largest_number_is_kept_over_a_restart() {
    FleetSize first = size();
    assertEquals(0, first.read());
    first.saw(2);
    first.saw(5);
    first.saw(0); // unknown
    first.saw(3);
    assertEquals(5, size().read(), "a fleet that stops shrinks one by one");
    nanos += Duration.ofMinutes(10).toNanos();
    first.saw(2);
    assertEquals(3, size().read(), "the most of the last ten minutes");
  }

  @Test
  void a_damaged_file_and_no_folder_count_as_unknown() throws Exception {
    size().saw(4);
    Files.writeString(directory.resolve("made/replicas"), "four");
    assertEquals(0, size().read());
    FleetSize none = new FleetSize(null, () -> nanos);
    none.saw(3);
    assertEquals(0, none.read());
  }
}
