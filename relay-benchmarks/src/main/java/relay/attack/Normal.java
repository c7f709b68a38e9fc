package relay.attack;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import relay.load.Latencies;

/**
 * The normal clients: streams and single requests over kept connections, requests over new ones,
 * and HTTP/2, also over a connection that an attacker shares. None of their requests may fail.
 */
final class Normal {
  static final String KEY = "the-key-of-a-normal-client";

  private static final int STREAMS = 20;
  private static final int DIRECT_STREAMS = 2;
  private static final int ASKERS = 3;
  private static final long ASK_EVERY_MS = 100;
  private static final int MOST_MESSAGES = 40;
  private static final String MESSAGE = "\"message\":\"";

  private final Target target;
  private final List<Thread> threads = new ArrayList<>();
  private final Map<String, Integer> failures = new TreeMap<>();
  private final Latencies events = new Latencies();
  private final Latencies direct = new Latencies();
  private final Latencies asks = new Latencies();
  private final boolean measured;
  private long good;

  /**
   * Starts them.
   *
   * @param directPort the provider's: some streams go there, to compare
   * @param http2 whether some speak HTTP/2
   */
  Normal(Target target, int directPort, boolean measured, boolean http2) {
    this.target = target;
    this.measured = measured;
    for (int n = 0; n < STREAMS; n++) {
      start(() -> streams(target.port(), events));
    }
    for (int n = 0; n < DIRECT_STREAMS; n++) {
      start(() -> streams(directPort, direct));
    }
    for (int n = 0; n < ASKERS; n++) {
      start(() -> asks(false));
    }
    start(() -> asks(true));
    if (http2) {
      start(() -> http2(false));
      start(() -> http2(true));
    }
  }

  private void start(Runnable client) {
    threads.add(Thread.ofPlatform().daemon().name("normal").start(client));
  }

  /** Waits for the end of all requests. */
  Normal join() throws InterruptedException {
    for (Thread thread : threads) {
      thread.join();
    }
    return this;
  }

  long good() {
    return good;
  }

  Map<String, Integer> failures() {
    return failures;
  }

  /** Delays of events, from the provider's writing to the client's reading. */
  Latencies events() {
    return events;
  }

  /** The same without a replica in between. */
  Latencies direct() {
    return direct;
  }

  /** Times of single requests over HTTP/1.1. */
  Latencies asks() {
    return asks;
  }

  private synchronized void add(Latencies latencies, long nanos) {
    latencies.add(nanos);
  }

  private synchronized void ended(@Nullable String failure) {
    if (failure == null) {
      good++;
    } else if (failures.size() < MOST_MESSAGES || failures.containsKey(failure)) {
      failures.merge(failure, 1, Integer::sum);
      if (measured) {
        System.err.println("a normal request failed: " + failure);
      }
    }
  }

  private void streams(int port, Latencies delays) {
    byte[] request = Requests.good(KEY, Target.MODEL, AttackProvider.STREAM);
    @Nullable Wire wire = null;
    while (!target.isOver()) {
      try {
        wire = wire == null ? new Wire(port, 0) : wire;
        wire.send(request);
        int status = wire.head();
        int[] seen = new int[2];
        wire.body(line -> event(line, delays, seen));
        boolean whole = seen[0] == AttackProvider.EVENTS && seen[1] == 1;
        ended(status != 200 ? "a stream: status " + status : whole ? null : "a stream: not whole");
        wire = kept(wire);
      } catch (IOException e) {
        ended("a stream: " + e.getMessage());
        wire = dropped(wire);
      }
    }
    dropped(wire);
  }

  private void event(String line, Latencies delays, int[] seen) {
    int stamp = line.indexOf(AttackProvider.STAMP);
    if (stamp >= 0) {
      int from = stamp + AttackProvider.STAMP.length();
      long written = Long.parseLong(line.substring(from, line.indexOf('"', from)));
      add(delays, System.nanoTime() - written);
      seen[0]++;
    } else if (line.startsWith("event: message_stop")) {
      seen[1]++;
    }
  }

  private void asks(boolean anew) {
    String kind = anew ? "a request over a new connection: " : "a request: ";
    byte[] request = Requests.good(KEY, Target.MODEL, AttackProvider.JSON);
    @Nullable Wire wire = null;
    while (!target.isOver()) {
      long began = System.nanoTime();
      try {
        wire = wire == null ? new Wire(target.port(), 0) : wire;
        wire.send(request);
        int status = wire.answer();
        add(asks, System.nanoTime() - began);
        ended(status == 200 ? null : kind + "status " + status + ", " + message(wire.said()));
        wire = anew ? dropped(wire) : kept(wire);
      } catch (IOException e) {
        ended(kind + e.getMessage());
        wire = dropped(wire);
      }
      target.pause(ASK_EVERY_MS);
    }
    dropped(wire);
  }

  /**
   * Requests over one connection.
   *
   * @param shared with an attacker, as behind a balancer that multiplexes
   */
  private void http2(boolean shared) {
    String kind = shared ? "a request beside faulty ones over HTTP/2: " : "a request over HTTP/2: ";
    String body = Requests.body(Target.MODEL, "");
    List<List<String>> faults = MalformedAttacks.HTTP_2_CASES;
    int next = 0;
    @Nullable Http2Wire wire = null;
    while (!target.isOver()) {
      try {
        wire = wire == null ? new Http2Wire(target.port()) : wire;
        if (shared && measured) {
          wire.disturb(faults.get(next++ % faults.size()));
        }
        ended(wire.ask(KEY, body) ? null : kind + "not status 200, " + message(wire.said()));
      } catch (IOException e) {
        ended(kind + e.getMessage());
        if (wire != null) {
          wire.close();
        }
        wire = null;
      }
      target.pause(ASK_EVERY_MS);
    }
    if (wire != null) {
      wire.close();
    }
  }

  /** The message of an error's body, without the request's own id. */
  private static String message(String body) {
    int from = body.indexOf(MESSAGE) + MESSAGE.length();
    int end = body.indexOf('"', from);
    return from < MESSAGE.length() || end < 0 ? "no message" : body.substring(from, end);
  }

  private static @Nullable Wire kept(Wire wire) {
    return wire.closes() ? dropped(wire) : wire;
  }

  private static @Nullable Wire dropped(@Nullable Wire wire) {
    if (wire != null) {
      wire.close();
    }
    return null;
  }
}
