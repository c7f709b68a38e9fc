package relay.token;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import relay.config.Secret;

/** The times of token fetches, with a simulated clock. */
class TokenCacheTest {
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private final AtomicInteger fetches = new AtomicInteger();
  private final Deque<Runnable> pending = new ConcurrentLinkedDeque<>();
  private Duration life = Duration.ofHours(1);
  private TokenCache.Fetch next = this::fresh;

  private AccessToken fresh() {
    return new AccessToken(new Secret("token-" + fetches.incrementAndGet()), now.plus(life));
  }

  private TokenCache cache(boolean atOnce) {
    return new TokenCache(
        () -> next.fetch(),
        () -> now,
        atOnce ? Runnable::run : pending::add,
        Duration.ofSeconds(9));
  }

  private static String token(TokenCache cache) throws Exception {
    return cache.token().reveal();
  }

  @Test
  void a_token_is_used_until_five_minutes_before_its_end() throws Exception {
    TokenCache cache = cache(true);
    assertEquals("token-1", token(cache));
    now = now.plus(Duration.ofMinutes(54));
    assertEquals("token-1", token(cache));
    assertEquals(1, fetches.get());
  }

  @Test
  void it_is_renewed_ahead_without_blocking_requests() throws Exception {
    TokenCache cache = cache(false);
    Thread first = Thread.ofVirtual().start(() -> assertFine(cache, "token-1"));
    runPending();
    first.join();
    now = now.plus(Duration.ofMinutes(56));
    assertEquals("token-1", token(cache));
    assertEquals("token-1", token(cache));
    assertEquals(1, pending.size(), "one fetch for all");
    runPending();
    assertEquals("token-2", token(cache));
  }

  private static void assertFine(TokenCache cache, String expected) {
    try {
      assertEquals(expected, token(cache));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Runs the fetch that another thread is about to request. */
  private void runPending() {
    Runnable task = pending.poll();
    while (task == null) {
      Thread.onSpinWait();
      task = pending.poll();
    }
    task.run();
  }

  @Test
  void after_a_failed_renewal_the_old_token_stays_in_use() throws Exception {
    TokenCache cache = cache(true);
    assertEquals("token-1", token(cache));
    now = now.plus(Duration.ofMinutes(56));
    next =
        () -> {
          throw new IOException("down");
        };
    assertEquals("token-1", token(cache));
    now = now.plus(Duration.ofMinutes(4));
    assertThrows(IOException.class, cache::token);
    next = this::fresh;
    now = now.plusMillis(1000);
    assertEquals("token-2", token(cache));
  }

  @Test
  void a_failure_is_remembered_for_a_second() throws Exception {
    TokenCache cache = cache(true);
    AtomicInteger tries = new AtomicInteger();
    next =
        () -> {
          tries.incrementAndGet();
          throw new TokenRefusedException("no");
        };
    assertThrows(TokenRefusedException.class, cache::token);
    now = now.plusMillis(999);
    assertThrows(TokenRefusedException.class, cache::token);
    assertEquals(1, tries.get());
    now = now.plusMillis(1);
    next = this::fresh;
    assertEquals("token-1", token(cache));
  }

  @Test
  void a_short_lived_token_is_renewed_after_half_its_lifetime() throws Exception {
    life = Duration.ofSeconds(60);
    TokenCache cache = cache(true);
    assertEquals("token-1", token(cache));
    now = now.plusSeconds(29);
    assertEquals("token-1", token(cache));
    now = now.plusSeconds(1);
    token(cache);
    assertEquals("token-2", token(cache));
  }

  @Test
  void a_refused_token_is_dropped_once() throws Exception {
    TokenCache cache = cache(true);
    Secret first = cache.token();
    cache.forget(first);
    assertEquals("token-2", token(cache));
    cache.forget(first); // already replaced
    assertEquals("token-2", token(cache));
    assertEquals(2, fetches.get());
  }

  @Test
  void a_waiter_can_forget_the_token_it_got() throws Exception {
    CompletableFuture<Thread> waiter = new CompletableFuture<>();
    CompletableFuture<Boolean> early = new CompletableFuture<>();
    AtomicInteger looks = new AtomicInteger();
    TokenCache cache =
        new TokenCache(
            this::fresh,
            () -> {
              if (looks.incrementAndGet() == 2) { // just before the fetched token is stored
                early.complete(joins(waiter.join()));
              }
              return now;
            },
            task -> Thread.ofPlatform().start(task));
    Thread waits = Thread.ofVirtual().unstarted(() -> assertFine(cache, "token-1"));
    waiter.complete(waits);
    waits.start();
    waits.join();
    assertFalse(early.join(), "returned before it was stored");
  }

  private static boolean joins(Thread thread) {
    try {
      return thread.join(Duration.ofMillis(300));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void all_waiters_share_one_fetch() throws Exception {
    CountDownLatch open = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      TokenCache cache =
          new TokenCache(
              () -> {
                awaitOpen(open);
                return fresh();
              },
              () -> now,
              threads);
      List<Future<String>> waiting = new ArrayList<>();
      for (int n = 0; n < 50; n++) {
        waiting.add(threads.submit(() -> token(cache)));
      }
      open.countDown();
      Set<String> tokens = new HashSet<>();
      for (Future<String> one : waiting) {
        tokens.add(one.get());
      }
      assertEquals(Set.of("token-1"), tokens);
    }
  }

  @Test
  void a_hanging_fetch_times_out() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      TokenCache cache =
          new TokenCache(
              () -> {
                awaitOpen(never);
                return fresh();
              },
              () -> now,
              threads,
              Duration.ofMillis(50));
      IOException failure = assertThrows(IOException.class, cache::token);
      assertFalse(String.valueOf(failure.getMessage()).contains("token-"));
      never.countDown();
    }
  }

  private static void awaitOpen(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
