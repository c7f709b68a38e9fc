package relay.attack;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;

/** Attacks without a credential. */
enum StrangerAttacks implements Part {
  HEADS("300 unfinished heads of 120 KB, half of them over HTTP/2") {
    @Override
    public void attack(Target target) throws Exception {
      try (Crowd crowd = new Crowd(target, "heads", target.port())) {
        crowd.open(CROWD / 2, Requests.unfinishedHead(HEAD_BYTES));
        crowd.open(CROWD / 2, unfinishedHttp2Head());
        target.pause(HOLD_MS);
      }
    }
  },
  ADMIN("150 unfinished heads of 780 KB at the operators' port") {
    @Override
    public void attack(Target target) throws Exception {
      try (Crowd crowd = new Crowd(target, "admin", target.adminPort())) {
        crowd.open(CROWD / 2, Requests.unfinishedHead(ADMIN_HEAD_BYTES));
        target.pause(HOLD_MS);
      }
    }
  },
  TRICKLE("100 heads and 100 bodies, of which some bytes arrive each second") {
    @Override
    public void attack(Target target) throws Exception {
      byte[] body =
          (Requests.head("/v1/messages", Target.ATTACKER) + "content-length: 100000\r\n\r\n{")
              .getBytes(ISO_8859_1);
      try (Crowd heads = new Crowd(target, "trickle", target.port());
          Crowd bodies = new Crowd(target, "trickle", target.port())) {
        heads.open(CROWD / 3, Requests.unfinishedHead(1));
        bodies.open(CROWD / 3, body);
        for (int n = 0; n < TRICKLES && !target.isOver(); n++) {
          heads.write(SOME_BYTES);
          bodies.write(SOME_BYTES);
          target.pause(1_000);
        }
      }
    }
  },
  DESCRIPTORS("1,200 idle connections, more than the descriptors allow") {
    @Override
    public void attack(Target target) throws Exception {
      try (Crowd crowd = new Crowd(target, "descriptors", target.port())) {
        crowd.open(IDLE, new byte[0]);
        target.pause(1_000);
      }
      target.pause(BETWEEN_MS);
    }
  },
  LOG("nobody reads stderr for 20 s") {
    @Override
    public void attack(Target target) {
      target.log().read(false);
      target.pause(20_000);
      target.log().read(true);
      target.happened("log", "pauses");
      target.pause(BETWEEN_MS);
    }
  };

  private static final int CROWD = 300;
  private static final int IDLE = 1_200;
  private static final int HEAD_BYTES = 120_000;
  private static final int ADMIN_HEAD_BYTES = 780_000;
  private static final int HTTP2_VALUE_BYTES = 8_000;
  private static final long HOLD_MS = 2_000;
  private static final long BETWEEN_MS = 15_000;
  private static final int TRICKLES = 20;
  private static final byte[] SOME_BYTES = "xxxxxxxxxxxxxxxx".getBytes(ISO_8859_1);

  private final String what;

  StrangerAttacks(String what) {
    this.what = what;
  }

  @Override
  public String what() {
    return what;
  }

  /** HEADERS and CONTINUATION frames, each with a literal header, and none with END_HEADERS. */
  private static byte[] unfinishedHttp2Head() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(Http2Wire.preface());
    for (int n = 0; n < HEAD_BYTES / HTTP2_VALUE_BYTES; n++) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      int more = HTTP2_VALUE_BYTES - 127; // the length of a value in three bytes
      line.writeBytes(new byte[] {0, 3, 'x', '-', 'a', 0x7f});
      line.writeBytes(new byte[] {(byte) (0x80 | more % 128), (byte) (more / 128)});
      line.writeBytes("x".repeat(HTTP2_VALUE_BYTES).getBytes(ISO_8859_1));
      int type = n == 0 ? Http2Wire.HEADERS : 9;
      out.writeBytes(Http2Wire.frame(type, 0, 1, line.toByteArray()));
    }
    return out.toByteArray();
  }
}
