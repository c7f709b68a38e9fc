package relay.redis;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import relay.redis.library.ScriptFile;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Exhausted;
import relay.redis.model.Acquisition.NoneUsable;
import relay.redis.model.Acquisition.Reason;
import relay.redis.model.Demand;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot.ClientState;
import relay.redis.model.Share;
import relay.redis.script.Candidates;
import relay.redis.script.RedisKeys;
import relay.redis.script.SurveyReply;
import relay.redis.waiting.WaitingRoom;
import relay.redis.walk.CallLine;
import relay.redis.walk.Clock;
import relay.redis.walk.RandomTimes;
import relay.redis.walk.Step;
import relay.redis.walk.StepKeys;
import relay.redis.walk.Wish;

/** Clients that share one pool, in virtual time, by the scripts on a real Redis. */
final class SharedPool {
  static final long SECOND = 1_000_000;
  static final long MINUTE = 60 * SECOND;
  private static final long AT_MOST = 5;
  private static final Acquisition SERVED = new NoneUsable(); // stands for a grant, without a pool
  private static final long START = 1_790_000_000_000_000L;

  private final ScriptConnection wire;
  private final RedisKeys names;
  private final List<String> fields = new ArrayList<>();
  private final byte[][] keys; // of a call
  private final String counts; // of a call, in a large pool
  final VirtualTime time = new VirtualTime(START);
  private final Map<String, Client> clients = new HashMap<>();
  private final Random random;
  private long answers; // mean time of an answer; 0 if leases do not end
  private long reason; // of the last refusal

  /** A replica, where requests wait as they do in {@link KeyPool}. */
  final class Replica {
    private final WaitingRoom room =
        new WaitingRoom(
            this::answer, time::alarm, () -> Math.multiplyExact(time.now() - START, 1_000));

    private void acquire(Demand demand, Duration most, Consumer<Acquisition> then) {
      var _ = room.acquire(demand, most).thenAccept(then);
    }

    private CompletableFuture<Acquisition> answer(Demand demand) {
      Share share = Objects.requireNonNull(demand.share());
      long wait =
          Objects.requireNonNull(clients.get(share.client())).ask(share, demand.inputTokens());
      return CompletableFuture.completedFuture(
          wait == 0
              ? SERVED
              : new Exhausted(
                  Duration.of(wait, ChronoUnit.MICROS),
                  reason == AT_MOST ? Reason.CONCURRENCY : Reason.REQUESTS));
    }
  }

  /** One client, and what it got. */
  final class Client extends ClientTally {
    private final Share share;
    private IntSupplier marks = () -> 0; // of requests; 0 if they have none
    private String candidates = String.join(" ", fields);
    private Runnable kinds = () -> {};
    private LongSupplier sizes = () -> 10;

    private Client(Share share) {
      super(START);
      this.share = share;
    }

    /**
     * Its requests must go to one account, that of the first key, as those with a stored answer.
     */
    Client bound() {
      candidates = fields.getFirst();
      return this;
    }

    /** Its requests are of these kinds by turns, as a call names them. */
    Client ofKinds(String... all) {
      String plain = candidates;
      AtomicInteger turn = new AtomicInteger();
      kinds = () -> candidates = plain + all[turn.getAndIncrement() % all.length];
      return this;
    }

    /** Its requests differ, and each has a mark, which its repetitions have, too. */
    Client marked() {
      marks = new AtomicInteger()::incrementAndGet;
      return this;
    }

    /** Gives each request one of {@code count} bodies at random; equal bodies have one mark. */
    Client ofBodies(int count) {
      marks = () -> 1 + random.nextInt(count);
      return this;
    }

    /** The share of the next request. */
    Share next() {
      return share.marked(marks.getAsInt());
    }

    /** Sets the input tokens of its requests, which take turns; 10 by default. */
    Client of(long... inputTokens) {
      AtomicInteger turn = new AtomicInteger();
      sizes = () -> inputTokens[turn.getAndIncrement() % inputTokens.length];
      return this;
    }

    /** Asks at random times, so often a minute; a request that is refused is gone. */
    void poll(double from, double to, double perMinute) {
      repeat(from, to, perMinute, this::ask);
    }

    /** The same at these replicas by turns; a request waits there, at most so long. */
    void arrive(double from, double to, double perMinute, List<Replica> replicas, Duration most) {
      repeat(from, to, perMinute, () -> arrive(replicas.get((int) (sent % replicas.size())), most));
    }

    private void arrive(Replica replica, Duration most) {
      sent++;
      long began = time.now();
      replica.acquire(
          demand(),
          most,
          answer -> {
            if (answer.equals(SERVED)) {
              waits.add(time.now() - began);
            } else {
              lost++;
            }
          });
    }

    /** Runs {@code what} at random times, {@code perMinute} times a minute in the mean. */
    void repeat(double from, double to, double perMinute, Runnable what) {
      long end = START + Math.round(to * MINUTE);
      time.at(
          START + Math.round(from * MINUTE + RandomTimes.gap(random, MINUTE / perMinute)),
          () -> next(end, perMinute, what));
    }

    private void next(long end, double perMinute, Runnable what) {
      if (time.now() < end) {
        what.run();
        time.at(
            time.now() + RandomTimes.gap(random, MINUTE / perMinute),
            () -> next(end, perMinute, what));
      }
    }

    /**
     * Sends one request after the other. Retries a refused request at its retry time.
     *
     * @param replica holds a request for so long
     * @param answers mean time that an answer takes
     */
    void obey(Replica replica, Duration most, Duration answers) {
      obey(time.now(), replica, demand(), most, answers);
    }

    /** Starts senders that obey, a millisecond apart, at three replicas by turns. */
    void obeyAtOnce(int senders, Duration most, Duration answers) {
      List<Replica> all = replicas(3);
      for (int n = 0; n < senders; n++) {
        Replica replica = all.get(n % all.size());
        time.at(START + n * 1_000L, () -> obey(replica, most, answers));
      }
    }

    /** The same, at a replica that holds no request, with answers that take no time. */
    void obey() {
      obey(new Replica(), Duration.ZERO, Duration.ZERO);
    }

    private void obey(long began, Replica replica, Demand demand, Duration most, Duration answers) {
      sent++;
      replica.acquire(
          demand,
          most,
          answer -> {
            if (answer instanceof Exhausted(Duration told, Reason _)) {
              long back =
                  time.now()
                      + told.plusNanos(999_999).toMillis() * 1_000
                      + RandomTimes.latency(random);
              time.at(back, () -> obey(began, replica, demand, most, answers));
            } else {
              waits.add(time.now() - began);
              long next =
                  time.now()
                      + RandomTimes.latency(random)
                      + RandomTimes.gap(random, answers.toNanos() / 1e3);
              time.at(next, () -> obey(replica, most, answers));
            }
          });
    }

    private Demand demand() {
      return Demand.of("model", sizes.getAsLong(), 10).sharing(next());
    }

    /**
     * Asks until it is refused; then once so long before the time that it was told, and at it. So
     * often.
     */
    void askEarly(long early, int rounds) {
      long wait = ask();
      if (wait <= 3 * early) {
        time.at(time.now() + wait, () -> askEarly(early, rounds));
        return;
      }
      long opens = time.now() + wait;
      time.at(opens - early, () -> lost += ask() == 0 ? 1 : 0);
      time.at(
          opens,
          () -> {
            lost += ask() == 0 ? 0 : 1;
            waits.add(wait);
            if (rounds > 1) {
              askEarly(early, rounds - 1);
            }
          });
    }

    /** Returns the time that it is told, 0 for a grant. */
    long ask() {
      return ask(next(), sizes.getAsLong());
    }

    /** Asks so often. Returns the times that it is told, 0 for a grant. */
    List<Long> askTimes(int count) {
      return Stream.generate(this::ask).limit(count).toList();
    }

    /** For a request that waits, and is told apart by a ticket. */
    long ask(String ticket) {
      return ask(ticket, 600_000);
    }

    /** The same for one that waits for so long at most. */
    long ask(String ticket, long millis) {
      return ask(next().waiting(ticket, millis), sizes.getAsLong());
    }

    long ask(Share as, long size) {
      asked++;
      kinds.run();
      long number = time.next();
      long leaseMs = Picks.LEASE_MS + number % 2 * 5_000; // some end before earlier ones
      Wish wish = new Wish("l" + number, size, 10, "");
      StringBuilder line =
          new StringBuilder(
              CallLine.acquire(clock(), 7, leaseMs, List.of(), counts, List.of(wish)));
      as.appendOnly(line);
      List<Object> reply;
      do {
        reply =
            counts.isEmpty()
                ? wire.call(ScriptFile.ACQUIRE, keys, line.toString(), candidates, wish.id())
                : wire.call(ScriptFile.ACQUIRE_INDEXED, keys, line.toString(), wish.id());
      } while (reply.get(2).equals(Picks.LOOK_AGAIN));
      if (reply.get(2).equals(1L)) {
        grants.add(time.now());
        tokens += size;
        if (answers > 0) {
          time.at(time.now() + answers / 2 + random.nextLong(answers), () -> settle(wish.id()));
        }
        return 0;
      }
      if (!reply.get(2).equals(0L)) {
        throw new AssertionError(reply.toString());
      }
      reason = (Long) reply.get(4);
      return (Long) reply.get(3);
    }
  }

  SharedPool(ScriptConnection wire, int keys, Limits limits) {
    this(wire, Pools.plan("shared", Duration.ofMinutes(1), keys, limits));
  }

  SharedPool(ScriptConnection wire, PoolPlan plan) {
    this(wire, plan, 20_261_127);
  }

  SharedPool(ScriptConnection wire, PoolPlan plan, long seed) {
    this.wire = wire;
    random = new Random(seed);
    names = new RedisKeys("shared", Pools.name("shared"));
    plan.keys().forEach(k -> fields.add(k.id() + " " + PoolPlan.group(k.account(), Pools.CLASS)));
    Candidates candidates = new Candidates(plan, names);
    List<byte[]> sets = candidates.readySets();
    keys = Stream.concat(Stream.of(StepKeys.leases(names)), sets.stream()).toArray(byte[][]::new);
    counts = sets.isEmpty() ? "" : " 1 0 1 " + sets.size() + " 0";
    call(Pools.configure(plan, candidates, names, 7));
  }

  void call(Step step) {
    wire.call(step, names, clock());
  }

  /** An answer takes between half and three halves of this. */
  SharedPool answeringIn(Duration mean) {
    answers = mean.toNanos() / 1_000;
    return this;
  }

  private void settle(String lease) {
    wire.call(
        ScriptFile.SETTLE,
        keys,
        CallLine.settle(clock(), List.of(new Step.Cost(lease, 1, 10, 10))),
        lease);
  }

  List<Replica> replicas(int count) {
    return Stream.generate(Replica::new).limit(count).toList();
  }

  private Clock clock() {
    return new Clock(time.now(), 0);
  }

  Client client(String name, int weight) {
    return client(name, 2, weight, 0, 0);
  }

  /** What it leaves free, and the floor of its rank, are thousandths of the limit. */
  Client client(String name, int rank, int weight, int headroom, int floor) {
    Client client = new Client(new Share(name, rank, weight, headroom, floor));
    clients.put(name, client);
    return client;
  }

  /** What a heartbeat tells of the clients. */
  List<ClientState> standings() {
    return new SurveyReply(wire.heartbeat("", names, clock(), "0 0 ? 0")).clients();
  }

  void atMinute(double minute, Runnable what) {
    time.at(minute(minute), what);
  }

  long minute(double minute) {
    return START + Math.round(minute * MINUTE);
  }

  void run(double minutes) {
    time.run(minute(minutes));
  }
}
