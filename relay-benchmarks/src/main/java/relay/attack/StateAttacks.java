package relay.attack;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * Attacks by a client with a credential on what a replica and Redis remember, and on its attempts.
 */
enum StateAttacks implements Part {
  IDS("requests that name 8 invented ids each, 100 a second") {
    @Override
    public void attack(Target target) throws IOException {
      ask(
          target,
          "ids",
          "/v1/messages",
          AttackProvider.JSON,
          "\"metadata\":{\"file_id\":\"x\"},\"input\":[%s],".formatted(ids("file-junk")));
    }
  },
  MADE("requests whose answers show 16 new ids each, 100 a second") {
    @Override
    public void attack(Target target) throws IOException {
      ask(target, "made", "/v1/messages", AttackProvider.IDS, "\"container\":\"container_1\",");
    }
  },
  SESSIONS("conversations with a new name each, 100 a second") {
    @Override
    public void attack(Target target) throws IOException {
      ask(
          target,
          "sessions",
          "/v1/messages",
          AttackProvider.JSON,
          "\"prompt_cache_key\":\"junk %d\",".formatted(NEXT.incrementAndGet()));
    }
  },
  MODELS("invented models, 100 a second") {
    @Override
    public void attack(Target target) throws IOException {
      byte[] request =
          Requests.post(
              "/v1/messages",
              Target.ATTACKER,
              "",
              Requests.body("junk-" + NEXT.incrementAndGet(), ""));
      send(target, "models", request);
    }
  },
  QUERIES("queries of 50 KB, each another one, 100 a second") {
    @Override
    public void attack(Target target) throws IOException {
      String query = "?n" + NEXT.incrementAndGet() + "=" + "q".repeat(QUERY_BYTES);
      ask(target, "queries", "/v1/messages" + query, AttackProvider.JSON, "");
    }
  },
  UNBEGUN("answers that break before their first byte, or have no status, 40 a second") {
    @Override
    public void attack(Target target) throws IOException {
      for (String answer : List.of(AttackProvider.HEAD_ONLY, AttackProvider.NO_STATUS)) {
        ask(target, "unbegun", "/v1/messages", answer, "");
        target.pause(40);
      }
    }
  };

  private static final AtomicLong NEXT = new AtomicLong();
  private static final int IDS_AT_ONCE = 8;
  private static final int QUERY_BYTES = 50_000;

  private final String what;

  StateAttacks(String what) {
    this.what = what;
  }

  @Override
  public String what() {
    return what;
  }

  /** Invented ids, as elements of a JSON array. */
  static String ids(String kind) {
    long first = NEXT.getAndAdd(2L * IDS_AT_ONCE);
    return LongStream.range(first, first + IDS_AT_ONCE)
        .mapToObj(n -> "\"%s%d\"".formatted(kind, n))
        .collect(Collectors.joining(","));
  }

  private static void ask(Target target, String part, String path, String answer, String members)
      throws IOException {
    String header = Requests.ANSWER + ": " + answer + "\r\n";
    String body = Requests.body(Target.MODEL, members);
    send(target, part, Requests.post(path, Target.ATTACKER, header, body));
  }

  /** Sends a request, counts its status, and pauses: a hundred a second at most. */
  private static void send(Target target, String part, byte[] request) throws IOException {
    try (Wire wire = new Wire(target.port(), 0)) {
      wire.send(request);
      target.happened(part, "status " + wire.answer());
    }
    target.pause(10);
  }
}
