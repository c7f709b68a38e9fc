package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
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
    BooleanSupplier failing =
        () -> {
          if (looks.incrementAndGet() < 3) {
            throw new StackOverflowError("intended by the test");
          }
          return true;
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

  @Test
  void a_call_that_begins_while_it_rests_is_watched() {
    AtomicInteger looks = new AtomicInteger();
    AtomicBoolean cancelled = new AtomicBoolean();
    BooleanSupplier onLook =
        () -> {
          looks.incrementAndGet();
          return false;
        };
    try (IdleWatch watch = new IdleWatch(Duration.ofMillis(40), onLook)) {
      Await.until("a look without calls: it rests", SOON, () -> looks.get() == 1);
      try (IdleWatch.Watched watched = watch.watch(() -> cancelled.set(true))) {
        Await.until("its end, before the rest is over", Duration.ofSeconds(8), cancelled::get);
        assertTrue(watched.wasSilent());
      }
    }
  }
}
