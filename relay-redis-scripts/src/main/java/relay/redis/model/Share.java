package relay.redis.model;

/**
 * The client of a request, with its priority and weight. When a pool is short, its freed capacity
 * goes to the priorities in their order, and within a priority to the clients by weight.
 *
 * @param client its name, without blanks
 * @param priority 1 for the highest priority, to {@value #PRIORITIES}
 * @param weight its share among the clients of its priority; 0 if it is alone with the pool: its
 *     refused requests get retry times of their own, too, but any request may use room that is left
 * @param headroom thousandths of each limit that it leaves free for higher priorities
 * @param floor thousandths of each limit that its priority has before all others
 * @param ticket tells the request apart while it waits and asks again; empty if it does not wait
 * @param millis how long it will wait
 * @param mark what the request and its repetition have in common, such as a hash of its body: so
 *     the repetition gets the place that is kept for it. 0 if unknown
 * @param attempt whether the request repeats one of its mark: tells requests with equal bodies
 *     apart
 */
public record Share(
    String client,
    int priority,
    long weight,
    int headroom,
    int floor,
    String ticket,
    long millis,
    int mark,
    Attempt attempt) {
  /** Whether a request repeats an earlier one, as its sender says. */
  public enum Attempt {
    /** The sender does not say. */
    UNKNOWN(""),
    /** The request was not sent before. */
    FIRST("."),
    /** The request was sent before, and refused. */
    REPEATED("+");

    private final String sign; // before the mark

    Attempt(String sign) {
      this.sign = sign;
    }
  }

  /** The number of priorities. */
  public static final int PRIORITIES = 3;

  /** The largest weight. */
  public static final long MAX_WEIGHT = 1_000_000;

  private static final int ALL = 1_000;

  /** The priority of a request without a client, and the default of one with a client: standard. */
  public static final int PLAIN_PRIORITY = 2;

  public Share {
    if (client.isEmpty() || hasBlank(client)) {
      throw new IllegalArgumentException("a client's name has no blanks");
    }
    if (priority < 1 || priority > PRIORITIES || weight < 0 || weight > MAX_WEIGHT) {
      throw new IllegalArgumentException("no such priority or weight: " + priority + ", " + weight);
    }
    if (headroom < 0 || headroom >= ALL || floor < 0 || floor >= ALL) {
      throw new IllegalArgumentException("headroom and floor are parts of a limit");
    }
  }

  private static boolean hasBlank(String name) { // a request makes a share: no stream here
    for (int n = 0; n < name.length(); n++) {
      if (Character.isWhitespace(name.charAt(n))) {
        return true;
      }
    }
    return false;
  }

  /** For a request that asks once. */
  public Share(String client, int priority, long weight, int headroom, int floor) {
    this(client, priority, weight, headroom, floor, "", 0, 0, Attempt.UNKNOWN);
  }

  /** For a request that asks once, of a client that is alone with its pool. */
  public static Share alone(String client, int priority, int headroom, int floor) {
    return new Share(client, priority, 0, headroom, floor);
  }

  /** Whether this share has no more than the client's name and a mark. */
  public boolean isPlain() {
    return weight == 0
        && priority == PLAIN_PRIORITY
        && headroom == 0
        && floor == 0
        && ticket.isEmpty();
  }

  /** The same, for a request that has this mark. */
  public Share marked(int itsMark) {
    return marked(itsMark, Attempt.UNKNOWN);
  }

  /** The same, for a request that has this mark, and says whether it is a repetition. */
  public Share marked(int itsMark, Attempt its) {
    return new Share(client, priority, weight, headroom, floor, ticket, millis, itsMark, its);
  }

  /** The same, for a request that waits for its turn. */
  public Share waiting(String itsTicket, long longest) {
    return new Share(client, priority, weight, headroom, floor, itsTicket, longest, mark, attempt);
  }

  /** The name of the waiting line of this client and priority. */
  public String line() {
    return client + ":" + priority;
  }

  /** Appends the whole share to a call. */
  public void appendTo(StringBuilder line) {
    line.append(' ').append(client).append(' ').append(priority).append(' ').append(weight);
    line.append(' ').append(headroom).append(' ').append(floor).append(' ');
    line.append(ticket.isEmpty() ? "-" : ticket).append(' ').append(millis);
    appendMark(line);
  }

  /**
   * Appends this share to a call that has no other request: the name and mark alone if it is plain.
   */
  public void appendOnly(StringBuilder line) {
    if (isPlain()) {
      appendName(line);
      appendMark(line);
    } else {
      appendTo(line);
    }
  }

  /** Appends the client of all requests of a call, if all are {@linkplain #isPlain plain}. */
  public void appendName(StringBuilder line) {
    line.append(' ').append(client).append(" =");
  }

  /** Appends the mark alone. */
  public void appendMark(StringBuilder line) {
    line.append(' ');
    if (mark == 0) {
      line.append('-');
    } else {
      line.append(attempt.sign).append(Integer.toHexString(mark));
    }
  }
}
