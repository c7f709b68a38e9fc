package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import org.junit.jupiter.api.Test;
import relay.guards.Await;

class IdleWatchTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  @Test
  void the_thread_survives_any_throwable() {
    AtomicInteger looks = new AtomicInteger();
    Runnable failing =
        () -> {
          if (looks.incrementAndGet() < 3) {
            throw new StackOverflowError("intended by the test");
          }
        };
    try (IdleWatch watch = new IdleWatch(Duration.ofMillis(40), failing)) {
      Await.until("a look after the faults", SOON, () -> looks.get() > 3);
      Call call =
          new OkHttpClient().newCall(new Request.Builder().url("http://127.0.0.1:1/").build());
      try (IdleWatch.Watched watched = watch.watch(call::cancel)) {
        Await.until("its end", SOON, call::isCanceled);
        assertTrue(watched.wasSilent());
      }
    }
  }
}
