package relay.attack;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;

/** Attacks by clients of the replica, with their credentials. */
enum ClientAttacks implements Part {
  BODIES("8 bodies of 30 MB at once") {
    @Override
    public void attack(Target target) {
      byte[] request =
          Requests.post(
              "/v1/messages",
              Target.ATTACKER,
              "",
              Requests.body(Target.MODEL, "\"x\":\"" + "x".repeat(BODY_BYTES) + "\","));
      together(target, "bodies", BODIES_AT_ONCE, request);
      target.pause(BETWEEN_MS);
    }
  },
  BURSTS("400 requests at one moment over as many connections") {
    @Override
    public void attack(Target target) {
      together(
          target,
          "bursts",
          BURST,
          Requests.good(Target.ATTACKER, Target.MODEL, AttackProvider.JSON));
      target.pause(BETWEEN_MS);
    }
  },
  STALLED("50 endless streams that nobody reads") {
    @Override
    public void attack(Target target) throws Exception {
      byte[] request = Requests.good(Target.ATTACKER, Target.MODEL, AttackProvider.FLOOD);
      List<Wire> stalled = new ArrayList<>();
      try {
        for (int n = 0; n < STALLED_STREAMS && !target.isOver(); n++) {
          Wire wire = new Wire(target.port(), SMALL_BUFFER);
          stalled.add(wire);
          wire.send(request);
          target.pause(20);
        }
        target.happened("stalled", "crowds");
        target.pause(HOLD_MS);
      } finally {
        stalled.forEach(Wire::close);
      }
    }
  },
  LEAVING("requests whose clients leave by a reset, 20 a second") {
    @Override
    public void attack(Target target) throws IOException {
      String answer =
          ThreadLocalRandom.current().nextBoolean() ? AttackProvider.STREAM : AttackProvider.JSON;
      Wire wire = new Wire(target.port(), 0);
      wire.send(Requests.good(Target.ATTACKER, Target.MODEL, answer));
      target.pause(50);
      wire.reset();
      target.happened("leaving", "resets");
    }
  },
  BREAKER("requests that the provider answers with 500, 10 a second") {
    @Override
    public void attack(Target target) throws IOException {
      ask(target, "breaker", Target.MODEL, AttackProvider.FAILURE);
    }
  },
  TLS("requests for a provider whose TLS fails, 10 a second") {
    @Override
    public void attack(Target target) throws IOException {
      ask(target, "tls", Target.MODEL_OF_BROKEN_TLS, AttackProvider.JSON);
    }
  },
  PASSTHROUGH("other spellings of a counted endpoint, 20 a second") {
    @Override
    public void attack(Target target) throws IOException {
      for (String path : SPELLINGS) {
        try (Wire wire = new Wire(target.port(), 0)) {
          wire.send(Requests.post(path, Target.LIMITED, "", Requests.body(Target.MODEL, "")));
          target.happened("passthrough", "status " + wire.answer());
        }
        target.pause(50);
      }
    }
  };

  private static final int BODY_BYTES = 30_000_000;
  private static final int BODIES_AT_ONCE = 8;
  private static final int BURST = 400;
  private static final int STALLED_STREAMS = 50;
  private static final int SMALL_BUFFER = 4096;
  private static final long HOLD_MS = 5_000;
  private static final long BETWEEN_MS = 5_000;
  private static final List<String> SPELLINGS =
      List.of(
          "/v1/%6dessages",
          "/v1/messages/",
          "//v1/messages",
          "/v1//messages",
          "/v1/./messages",
          "/v1/x/../messages",
          "/v1/messages;a=b",
          "/v1/Messages",
          "/V1/messages",
          "/v1/messages%2f",
          "/v1/messages%00",
          "/v1/messages");

  private final String what;

  ClientAttacks(String what) {
    this.what = what;
  }

  @Override
  public String what() {
    return what;
  }

  /** Sends a request over many connections at one moment, and counts the answers. */
  private static void together(Target target, String part, int number, byte[] request) {
    Semaphore start = new Semaphore(0);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int n = 0; n < number; n++) {
        threads.execute(() -> target.happened(part, outcome(target.port(), request, start)));
      }
      target.pause(500); // all are connected
      start.release(number);
    }
  }

  private static String outcome(int port, byte[] request, Semaphore start) {
    try (Wire wire = new Wire(port, 0)) {
      start.acquireUninterruptibly();
      try {
        wire.send(request);
      } catch (IOException e) {
        // refused before its end: the answer says why
      }
      return "status " + wire.answer();
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** Sends a request, counts its status, and pauses: ten a second at most. */
  private static void ask(Target target, String part, String model, String answer)
      throws IOException {
    try (Wire wire = new Wire(target.port(), 0)) {
      wire.send(Requests.good(Target.ATTACKER, model, answer));
      target.happened(part, "status " + wire.answer());
    }
    target.pause(100);
  }
}
