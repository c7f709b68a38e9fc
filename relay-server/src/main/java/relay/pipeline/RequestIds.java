package relay.pipeline;

import java.util.concurrent.ThreadLocalRandom;

/** Ids to find a request in logs: cheap, and unique in practice. */
public final class RequestIds {
  private static final char[] DIGITS = "0123456789abcdefghijklmnopqrstuv".toCharArray();

  private RequestIds() {}

  /** The next id. */
  public static String next() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long a = random.nextLong();
    long b = random.nextLong();
    char[] id = new char[28];
    "req_".getChars(0, 4, id, 0);
    for (int n = 0; n < 12; n++) {
      id[4 + n] = DIGITS[(int) (a >>> (5 * n)) & 31];
      id[16 + n] = DIGITS[(int) (b >>> (5 * n)) & 31];
    }
    return new String(id);
  }
}
