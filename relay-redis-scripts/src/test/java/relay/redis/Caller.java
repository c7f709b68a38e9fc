package relay.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.LongUnaryOperator;
import relay.redis.SharedPool.Client;
import relay.redis.model.Share;

/** Sends one request after the other, in virtual time, and comes back in its own manner. */
final class Caller {
  private static final int LONGEST_ANSWER = 400_000; // microseconds until the next request

  private final SharedPool pool;
  private final Client client;
  private final long size;
  private final LongUnaryOperator comesBack;
  private final Random random;
  private long probe;
  private int body; // 0: each request has its own
  private boolean counts;
  private int mark;
  private long began;
  private int tries;
  long sent;
  final List<Long> waits = new ArrayList<>();
  final List<Long> told = new ArrayList<>();

  /**
   * A caller.
   *
   * @param size input tokens of a request
   * @param comesBack after how many microseconds, by those that it was told
   */
  Caller(SharedPool pool, Client client, long size, LongUnaryOperator comesBack) {
    this.pool = pool;
    this.client = client;
    this.size = size;
    this.comesBack = comesBack;
    random = new Random(pool.time.next());
  }

  /** Comes back 10 ms after the time that it was told. */
  static long obeys(long told) {
    return told + 10_000;
  }

  /** The first try of each request is of this size only. */
  Caller probing(long tokens) {
    probe = tokens;
    return this;
  }

  /** All its requests have this body. */
  Caller ofBody(int its) {
    body = its;
    return this;
  }

  /** It says of each request whether it is a repetition. */
  Caller counting() {
    counts = true;
    return this;
  }

  Caller start(double minute) {
    pool.atMinute(minute, this::begin);
    return this;
  }

  private void begin() {
    began = pool.time.now();
    tries = 0;
    mark = body == 0 ? 1_000 + (int) pool.time.next() : body;
    send();
  }

  private void send() {
    boolean isFirst = tries++ == 0;
    boolean probes = probe > 0 && isFirst;
    sent++;
    Share.Attempt attempt = isFirst ? Share.Attempt.FIRST : Share.Attempt.REPEATED;
    Share share = client.next().marked(mark, counts ? attempt : Share.Attempt.UNKNOWN);
    long wait = client.ask(share, probes ? probe : size);
    long now = pool.time.now();
    if (wait > 0) {
      told.add(wait);
      pool.time.at(now + Math.max(1, comesBack.applyAsLong(wait)), this::send);
    } else if (probes) {
      pool.time.at(now + random.nextInt(LONGEST_ANSWER), this::send);
    } else {
      waits.add(now - began);
      pool.time.at(now + random.nextInt(LONGEST_ANSWER), this::begin);
    }
  }
}
