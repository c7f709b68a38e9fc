package relay.redis.model;

/**
 * The client of a request, with its priority and weight. When a pool is short, its freed capacity
 * goes to the ranks in their order, and within a rank to the clients by weight.
 *
 * @param client its name, without blanks
 * @param rank 1 for the highest priority, to {@value #RANKS}
 * @param weight its share among the clients of its rank; 0 if it shares the pool with nobody. Its
 *     refused requests are told times of their own, too, but what is left goes to whoever asks
 * @param kept thousandths of each limit that it leaves free for higher ranks
 * @param floor thousandths of each limit that its rank has before all others
 * @param ticket tells the request apart while it waits and asks again; empty if it does not wait
 * @param millis how long it will wait
 * @param mark what the request and its repetition have in common, such as a hash of its body: so
 *     the repetition gets the place that was kept for it. 0 if unknown
 * @param attempt whether the request repeats one of its mark: tells requests with equal bodies
 *     apart
 */
public record Share(
    String client,
    int rank,
    long weight,
    int kept,
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

  /** The number of ranks. */
  public static final int RANKS = 3;

  /** The largest weight. */
  public static final long MAX_WEIGHT = 1_000_000;

  private static final int ALL = 1_000;

  /** The mark of a request without a client, and the default of those with one. */
  public static final int PLAIN_RANK = 2;

  public Share {
    if (client.isEmpty() || hasBlank(client)) {
      throw new IllegalArgumentException("a client's name has no blanks");
    }
    if (rank < 1 || rank > RANKS || weight < 0 || weight > MAX_WEIGHT) {
      throw new IllegalArgumentException("no such rank or weight: " + rank + ", " + weight);
    }
    if (kept < 0 || kept >= ALL || floor < 0 || floor >= ALL) {
      throw new IllegalArgumentException("kept and floor are parts of a limit");
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
  public Share(String client, int rank, long weight, int kept, int floor) {
    this(client, rank, weight, kept, floor, "", 0, 0, Attempt.UNKNOWN);
  }

  /** For a request that asks once, of a client that shares the pool with nobody. */
  public static Share alone(String client, int rank, int kept, int floor) {
    return new Share(client, rank, 0, kept, floor);
  }

  /** Whether it says no more than whose the request is, and its mark. */
  public boolean isPlain() {
    return weight == 0 && rank == PLAIN_RANK && kept == 0 && floor == 0 && ticket.isEmpty();
  }

  /** The same, for a request that has this mark. */
  public Share marked(int itsMark) {
    return marked(itsMark, Attempt.UNKNOWN);
  }

  /** The same, for a request that has this mark, and says whether it is a repetition. */
  public Share marked(int itsMark, Attempt its) {
    return new Share(client, rank, weight, kept, floor, ticket, millis, itsMark, its);
  }

  /** The same, for a request that waits for its turn. */
  public Share waiting(String itsTicket, long longest) {
    return new Share(client, rank, weight, kept, floor, itsTicket, longest, mark, attempt);
  }

  /** The name of the waiting line of its client and rank. */
  public String line() {
    return client + ":" + rank;
  }

  /** Appends all of it to a call. */
  public void appendTo(StringBuilder line) {
    line.append(' ').append(client).append(' ').append(rank).append(' ').append(weight);
    line.append(' ').append(kept).append(' ').append(floor).append(' ');
    line.append(ticket.isEmpty() ? "-" : ticket).append(' ').append(millis);
    appendMark(line);
  }

  /** Appends what a call says that has no other request. */
  public void appendOnly(StringBuilder line) {
    if (isPlain()) {
      appendName(line);
      appendMark(line);
    } else {
      appendTo(line);
    }
  }

  /** Appends whose requests these are, if all are {@linkplain #isPlain plain}. */
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
