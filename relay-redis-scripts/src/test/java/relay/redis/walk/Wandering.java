package relay.redis.walk;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import relay.redis.ScriptConnection;
import relay.redis.walk.ModelReplay.Depth;

/** One seed's walk: generated, recorded and, if it fails, shrunk. */
final class Wandering {
  private static final int STATE_EVERY = 5;
  private static final int RING_EVERY = 40;

  private final ScriptConnection wire;
  private final String pool;
  private final long seed;
  private final List<Move> moves = new ArrayList<>();
  private Duration covered = Duration.ZERO;

  Wandering(ScriptConnection wire, long seed) {
    this.wire = wire;
    this.seed = seed;
    pool = "p" + seed;
  }

  /** The failure, or null. */
  @Nullable AssertionError wander(int steps) {
    SplittableRandom random = new SplittableRandom(seed);
    try (ModelReplay replay = new ModelReplay(wire, pool)) {
      Walk walk = new Walk(random, replay.model());
      Step.Configure under = null;
      for (int n = 0; n <= steps; n++) {
        Step step;
        if (n > 0 && random.nextInt(200) == 0) {
          moves.add(new Move.Flush());
          replay.take(moves.getLast(), Depth.REPLY);
          step = walk.configuredAgain();
        } else {
          step = n == 0 ? walk.configured() : walk.next();
        }
        moves.add(new Move.Call(step, walk.tick(step), under));
        under = step instanceof Step.Configure configure ? configure : under;
        List<Object> reply = replay.take(moves.getLast(), depth(n));
        walk.answered(step, reply);
        covered = walk.clock.passed();
      }
      return null;
    } catch (AssertionError e) {
      return e;
    } catch (RuntimeException e) { // usually of a script
      return new AssertionError(e);
    }
  }

  /** The virtual time of the walk. */
  Duration covered() {
    return covered;
  }

  private static Depth depth(int n) {
    if (n % RING_EVERY == 0) {
      return Depth.RING;
    }
    return n % STATE_EVERY == 0 ? Depth.STATE : Depth.REPLY;
  }

  Trace trace() {
    return new Trace(moves);
  }

  /** Shortens the trace and reports it, in bounded time. */
  String shrunk(int seconds) {
    if (seconds > 0) {
      long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
      BooleanSupplier timeIsLeft = () -> System.nanoTime() - end < 0;
      List<Move> few =
          new Shrinker<Move>(some -> failure(new Trace(some)) != null, timeIsLeft)
              .shrink(moves, Trace::parts);
      moves.clear();
      moves.addAll(few);
    }
    AssertionError last = failure(trace());
    return String.format(
        " fails, also with these %d of its moves: %s%n%s", moves.size(), last, trace());
  }

  /** The failure of these moves on an empty pool; null if they succeed. */
  private @Nullable AssertionError failure(Trace trace) {
    if (!trace.isConsistent()) {
      return null;
    }
    try (ModelReplay replay = new ModelReplay(wire, pool)) {
      trace.moves().forEach(move -> replay.take(move, Depth.RING));
      return null;
    } catch (AssertionError e) {
      return e;
    } catch (RuntimeException e) {
      return new AssertionError(e);
    }
  }
}
