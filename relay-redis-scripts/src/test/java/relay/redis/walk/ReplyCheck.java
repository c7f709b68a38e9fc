package relay.redis.walk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import relay.redis.walk.PoolModel.Later;
import relay.redis.walk.PoolModel.Wait;

/** Compares a script's reply with what the model expects. */
final class ReplyCheck {
  private ReplyCheck() {}

  /** A text with its own comparison. */
  record Told(Consumer<String> check) {}

  /** The rest of a reply: these names, each with a text, in any order. */
  record Pairs(Set<String> names, BiConsumer<String, String> check) {}

  static void compare(List<?> expected, List<?> reply) {
    int size = expected.stream().mapToInt(ReplyCheck::places).sum();
    boolean open = !expected.isEmpty() && expected.getLast() instanceof Pairs;
    if (open ? reply.size() < size : reply.size() != size) {
      throw new AssertionError("expected " + expected + ", but " + reply);
    }
    int i = 0;
    for (Object part : expected) {
      switch (part) {
        case Wait wait -> compare(wait, reply, i);
        case Later later -> compare(later.part().get(), reply.subList(i, i + 5));
        case Picked picked -> take(picked, reply);
        case List<?> row -> compare(row, (List<?>) reply.get(i));
        case Told told -> told.check().accept((String) reply.get(i));
        case Pairs pairs -> compare(pairs, reply.subList(i, reply.size()));
        case Step.Any _ -> {}
        case Object value -> {
          if (!value.equals(reply.get(i))) {
            throw new AssertionError("expected " + expected + ", but " + reply);
          }
        }
      }
      i += places(part);
    }
  }

  /** Number of reply values that it stands for. */
  static int places(Object expected) {
    return switch (expected) {
      case Later _, Picked _ -> 5;
      case Pairs _ -> 0;
      default -> 1;
    };
  }

  private static void compare(Wait wait, List<?> reply, int i) {
    long micros = (Long) reply.get(i);
    assertTrue(
        micros >= wait.micros() && micros <= wait.micros() + wait.fuzz(),
        () -> "wait " + micros + ", exactly " + wait.micros() + " in " + reply);
    if (!wait.accepted().isEmpty()) {
      String why = reply.get(i + 1) + " " + reply.get(i + 2);
      assertTrue(wait.accepted().contains(why), () -> why + " of " + wait.accepted());
    }
  }

  private static void compare(Pairs pairs, List<?> rest) {
    Map<String, String> told = new HashMap<>();
    for (int n = 0; n < rest.size(); n += 2) {
      told.put((String) rest.get(n), (String) rest.get(n + 1));
    }
    assertEquals(pairs.names(), told.keySet());
    told.forEach(pairs.check());
  }

  private static void take(Picked picked, List<?> reply) {
    Choice taken =
        picked.fitting().stream()
            .filter(c -> c.key().id.equals(reply.get(1)) && c.group().id.equals(reply.get(2)))
            .findFirst()
            .orElseThrow(() -> new AssertionError(reply + " is none of " + picked.fitting()));
    assertEquals(taken.granted(), reply.subList(0, 5));
    if (picked.fitting().stream().anyMatch(c -> c.group().id.equals(picked.favourite()))) {
      assertEquals(picked.favourite(), reply.get(2), "the conversation's account");
    }
    picked.take().accept(taken);
  }
}
