package relay.attack;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Random;

/** Requests that are not HTTP, or nearly so, each over a connection of its own. */
enum MalformedAttacks implements Part {
  HTTP_1("malformed HTTP/1.1, 100 a second") {
    @Override
    void once(Target target, Random random) throws IOException {
      byte[] bytes = HTTP_1_CASES.get(random.nextInt(HTTP_1_CASES.size())).getBytes(ISO_8859_1);
      if (random.nextBoolean()) {
        damage(bytes, random);
      }
      try (Wire wire = new Wire(target.port(), 0)) {
        wire.send(bytes);
        if (random.nextInt(4) == 0) {
          wire.reset();
        }
      }
    }
  },
  HTTP_2("malformed HTTP/2, 100 a second") {
    @Override
    void once(Target target, Random random) throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.writeBytes(Http2Wire.preface());
      List<String> line = HTTP_2_CASES.get(random.nextInt(HTTP_2_CASES.size()));
      String body = Requests.body(Target.MODEL, "");
      for (int stream = 1; stream < 6; stream += 2) {
        out.writeBytes(Http2Wire.request(stream, Target.ATTACKER, line.get(0), line.get(1), body));
      }
      byte[] bytes = out.toByteArray();
      if (random.nextBoolean()) {
        damage(bytes, random);
      }
      try (Wire wire = new Wire(target.port(), 0)) {
        wire.send(bytes);
        if (random.nextInt(4) == 0) {
          wire.reset();
        }
      }
    }
  };

  private static final int AT_ONCE = 10;
  private static final Random RANDOM = new Random();
  private static final long PAUSE_MS = 100;
  private static final String GOOD_HEAD = Requests.head("/v1/messages", Target.ATTACKER);
  private static final List<String> HTTP_1_CASES =
      List.of(
          "PRI * HTTP/2.0\r\n\r\n",
          "GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
          "\0\0\0\0",
          "\r\n\r\n\r\n\r\n",
          "POST /v1/messages HTTP/9.9\r\nhost: a\r\n\r\n",
          "POST /v1/messages\r\n\r\n",
          GOOD_HEAD + "content-length: -5\r\n\r\n",
          GOOD_HEAD + "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
          GOOD_HEAD + "transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
          GOOD_HEAD + "transfer-encoding: chunked\r\n\r\n5;" + "a".repeat(5_000),
          GOOD_HEAD + "x-folded: a\r\n b\r\ncontent-length: 2\r\n\r\n{}",
          GOOD_HEAD + "content-length: 2\r\n\r\n{}",
          GOOD_HEAD + "content-length: 2000\r\n\r\n{}",
          GOOD_HEAD + "x-large: " + "x".repeat(100_000) + "\r\n\r\n",
          GOOD_HEAD + "x-line: a\r\n".repeat(300) + "\r\n");

  /** Header lines of faulty requests. */
  static final List<List<String>> HTTP_2_CASES =
      List.of(
          List.of(":path", "/v1/messages?a b"),
          List.of(":path", "/v1/messages?a=\"|{}\\"),
          List.of(":path", ""),
          List.of(":method", "POST /x"),
          List.of(":unknown", "1"),
          List.of("x-a", "a\r\nx-b: 1"),
          List.of("X-A", "1"),
          List.of("", "1"),
          List.of("x\na", "1"),
          List.of("transfer-encoding", "chunked"),
          List.of("content-length", "500"),
          List.of("connection", "x-api-key"),
          List.of("x-a", "b"));

  private final String what;

  MalformedAttacks(String what) {
    this.what = what;
  }

  abstract void once(Target target, Random random) throws IOException;

  @Override
  public String what() {
    return what;
  }

  @Override
  public void attack(Target target) throws IOException {
    for (int n = 0; n < AT_ONCE; n++) {
      once(target, RANDOM);
    }
    target.happened(AttackOptions.name(this), "tens of connections");
    target.pause(PAUSE_MS);
  }

  private static void damage(byte[] bytes, Random random) {
    for (int n = random.nextInt(8); n >= 0; n--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
  }
}
