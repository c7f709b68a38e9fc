package relay.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class VersionTest {
  @Test
  void the_build_has_filled_it_in() {
    Version version = Version.current();
    assertTrue(version.version().matches("[0-9]+\\.[0-9]+\\.[0-9]+.*"), version.toString());
    assertTrue(version.commit().matches("unknown|[0-9a-f]{7,}(-dirty)?"), version.toString());
    assertFalse(version.toString().contains("$"), version.toString());
  }

  @Test
  void it_names_the_running_java() {
    assertTrue(Version.current().java().startsWith(Runtime.version().toString()));
  }
}
