package relay.trial.workers;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import relay.trial.load.PlainConnection.Answer;
import relay.trial.workers.RelayCalls.Lease;
import relay.trial.workers.RelayCalls.NoRoomException;
import relay.trial.workers.WorkerTally.Count;

/**
 * A worker: takes a lease, calls the provider with its own copy of the key, settles what the answer
 * reports, and takes the next. It is its process's main class; {@link WorkerProcess} starts it.
 */
final class Worker {
  static final String READY = "ready";
  static final String REFUSED = "refused";
  static final String HOLDING = "holding ";
  static final String DONE = "done ";

  /** The shortest time to live that a lease may have. */
  static final long SHORT_TTL_MS = 1_000;

  private static final long AFTER_DEATH_MS = SHORT_TTL_MS + 200;
  private static final long PIECE_EVERY_MS = 400; // a stream takes longer than the short time
  private static final long AFTER_ERROR_MS = 100;

  /** A worker estimates: it reserves some more than a request uses. */
  private static final int RESERVED_INPUT = ProviderCalls.INPUT_TOKENS * 11 / 10;

  private static final int RESERVED_OUTPUT = ProviderCalls.OUTPUT_TOKENS * 3 / 2;

  private final Manner manner;
  private final long ttlMs;
  private final RelayCalls relay;
  private final ProviderCalls provider;
  private final Map<String, String> secrets; // of the provider's keys, by their ids
  private final Orders orders = new Orders();
  private final WorkerTally tally = new WorkerTally();

  private Worker(
      Manner manner,
      long ttlMs,
      RelayCalls relay,
      ProviderCalls provider,
      Map<String, String> secrets) {
    this.manner = manner;
    this.ttlMs = manner.outlivesLease() ? SHORT_TTL_MS : ttlMs;
    this.relay = relay;
    this.provider = provider;
    this.secrets = secrets;
  }

  /**
   * {@code args}: the manner, a number of its own, the leases' time to live, the replicas' ports,
   * the provider's port, the client's key, and {@code id=secret} of each key.
   */
  public static void main(String[] args) throws InterruptedException {
    List<InetSocketAddress> replicas =
        Arrays.stream(args[3].split(",", -1)).map(Worker::loopback).toList();
    try (RelayCalls relay = new RelayCalls(replicas, args[5]);
        ProviderCalls provider = new ProviderCalls(loopback(args[4]), "worker-" + args[1])) {
      Map<String, String> secrets =
          Arrays.stream(args)
              .skip(6)
              .map(text -> text.split("=", 2))
              .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));
      new Worker(Manner.valueOf(args[0]), Long.parseLong(args[2]), relay, provider, secrets).run();
    }
  }

  private static InetSocketAddress loopback(String port) {
    return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), Integer.parseInt(port));
  }

  private void run() throws InterruptedException {
    Thread.ofPlatform().daemon().name("orders").start(() -> orders.read(System.in));
    System.out.println(READY);
    orders.awaitGo();
    while (!orders.ended()) {
      try {
        boolean partial = tally.of(Count.LEASES) % 2 == 1; // every other one is to be whole
        use(relay.acquire(manner.requests(), partial, RESERVED_INPUT, RESERVED_OUTPUT, ttlMs));
      } catch (NoRoomException e) {
        orders.pause(e.waitMs());
      } catch (IOException e) {
        tally.failed(e.toString());
        orders.pause(AFTER_ERROR_MS);
      }
    }
    System.out.println(DONE + tally.line());
  }

  private void use(Lease lease) throws IOException, InterruptedException {
    tally.add(Count.LEASES, 1);
    String secret = secrets.get(lease.key());
    if (secret == null) {
      throw new IOException("a lease names the key " + lease.key() + ", which is unknown");
    }
    if (orders.takeRefuse()) {
      refused(lease, provider.sendToBeRefused(secret), Count.INJECTED);
      System.out.println(REFUSED);
    } else if (manner == Manner.RENEWING) {
      stream(lease, secret);
    } else {
      send(lease, secret);
    }
  }

  /** A bulk lease keeps a request back, if it has several. */
  private void send(Lease lease, String secret) throws IOException, InterruptedException {
    int toSend = Math.max(1, lease.requests() - 1);
    Spent spent = Spent.NOTHING;
    for (int sent = 1; sent <= toSend; sent++) {
      Answer answer = provider.send(secret);
      if (answer.status() != 200) {
        unexpected(lease, answer, sent - 1, spent);
        return;
      }
      tally.add(Count.REQUESTS, 1);
      spent = spent.and(answer);
      if (orders.mustHold()) {
        hold(lease, sent, spent.outputTokens());
      }
    }
    if (manner == Manner.LATE && orders.pause(AFTER_DEATH_MS)) {
      tally.add(Count.LATE, 1);
    }
    settle(lease, toSend, spent);
  }

  /** Reads a stream and meanwhile reports the output that it has so far. */
  private void stream(Lease lease, String secret) throws IOException, InterruptedException {
    CompletableFuture<Answer> reading = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                reading.complete(provider.stream(secret));
              } catch (IOException e) {
                reading.completeExceptionally(e);
              }
            });
    for (int piece = 1; piece <= ProviderCalls.PIECES && !reading.isDone(); piece++) {
      provider.letOut(piece);
      long made = (long) ProviderCalls.OUTPUT_TOKENS * piece / ProviderCalls.PIECES;
      tally.add(relay.progress(lease, made) ? Count.RENEWALS : Count.LOST, 1);
      if (orders.mustHold()) {
        tally.add(Count.REQUESTS, 1);
        hold(lease, 1, made);
      }
      orders.pause(PIECE_EVERY_MS);
    }
    provider.letEnd();
    try {
      Answer answer = reading.join();
      if (answer.status() == 200) {
        tally.add(Count.REQUESTS, 1);
        settle(lease, 1, Spent.NOTHING.and(answer));
      } else {
        unexpected(lease, answer, 0, Spent.NOTHING);
      }
    } catch (CompletionException e) {
      throw new IOException(e.getCause());
    }
  }

  private void settle(Lease lease, int sent, Spent spent) throws IOException {
    tally.add(Count.UNSENT, lease.requests() - sent);
    relay.settle(lease, sent, spent);
  }

  /** The process is about to be killed with this lease open. */
  private void hold(Lease lease, int sent, long output) throws IOException, InterruptedException {
    relay.progress(lease, output);
    tally.add(Count.UNSENT, lease.requests() - sent);
    System.out.println(HOLDING + (lease.requests() - sent) + " " + tally.line());
    orders.awaitEnd();
  }

  private void unexpected(Lease lease, Answer answer, int sent, Spent spent) throws IOException {
    if (answer.status() != 429) {
      tally.failed("the provider's status " + answer.status() + ": " + answer.bodyEnd());
    }
    if (sent > 0) {
      settle(lease, sent, spent);
    } else {
      refused(lease, answer, answer.status() == 429 ? Count.PROVIDER_429 : Count.ERRORS);
    }
  }

  private void refused(Lease lease, Answer answer, Count what) throws IOException {
    relay.refused(lease, answer);
    tally.add(what, 1);
  }
}
