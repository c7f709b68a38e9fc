package relay.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import relay.load.OpenStreams;
import relay.load.Question;

/** The benchmarks reach the stand-in over each protocol, and streams are served over each. */
@Tag("slow")
final class ProviderLineTest {
  /** More than an HTTP/2 connection takes. */
  private static final int STREAMS = 150;

  private static final int AT_ONCE = 1_000_000;
  private static final Duration WHILE = Duration.ofMillis(500);

  @ParameterizedTest
  @EnumSource
  void every_one_of_many_streams_is_served(ProviderLine wire) throws Exception {
    List<String> launcher =
        new ArrayList<>(
            List.of(
                Processes.tool("java"),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "--add-opens=java.base/java.lang=ALL-UNNAMED"));
    if (wire == ProviderLine.H2) {
      launcher.add(ProviderLine.HTTP2_OPTION);
    }
    launcher.addAll(List.of("-cp", System.getProperty("java.class.path"), "relay.Main"));
    byte[] request = new Question(2_048, 1_000_000, 100).bytes();
    try (Stage stage = new Stage(launcher, wire);
        OpenStreams open = new OpenStreams(stage.replica(2).port(), request, STREAMS, AT_ONCE)) {
      open.run(WHILE);
      assertEquals(STREAMS, open.started());
      assertEquals(0, open.ended());
    }
  }
}
