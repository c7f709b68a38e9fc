package relay.redis;

import org.junit.jupiter.api.Tag;

/** {@link UrlLoginTest} with a connection on the program's own loop. */
@Tag("slow")
final class LoopUrlLoginTest extends UrlLoginTest {
  private final SelectorLoop loop = new SelectorLoop();

  @Override
  SelectorLoop loop() {
    return loop;
  }
}
