package relay.redis.model;

import java.time.Duration;
import java.util.regex.Pattern;

/**
 * How a demand's lease lasts: until its holder ends it by its id, through any replica, or until its
 * own time is over. The replica that grants it neither renews nor remembers it.
 *
 * @param id as {@link #id(String, String)} makes it
 * @param ttl from the grant, or the last report of progress, until the lease expires
 * @param requests that the demand is for: its tokens are those of all together
 * @param partial whether fewer requests will do, with their part of the tokens, if there is no room
 *     for all
 */
public record Lasting(String id, Duration ttl, int requests, boolean partial) {
  /** The most open leases of an owner in a pool. */
  public static final int MOST_OPEN = 10_000;

  /** The most requests of a lease. */
  public static final int MOST_REQUESTS = 1_000_000;

  private static final Duration LONGEST = Duration.ofHours(1);
  private static final Pattern ID = Pattern.compile("@[0-9a-f]{1,64}:[\\w-]{1,64}");

  public Lasting {
    if (!ID.matcher(id).matches()) {
      throw new IllegalArgumentException("the id of a lasting lease is `@owner:name`");
    }
    if (!ttl.isPositive() || ttl.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("a lease lasts an hour at most");
    }
    if (requests < 1 || requests > MOST_REQUESTS) {
      throw new IllegalArgumentException("a lease is for 1 to " + MOST_REQUESTS + " requests");
    }
  }

  /**
   * The id of a lease. Leases of one owner are counted, {@value #MOST_OPEN} at most may be open.
   *
   * @param owner hexadecimal digits
   * @param name letters, digits, {@code -} and {@code _}, that no other lease has
   */
  public static String id(String owner, String name) {
    return "@" + owner + ":" + name;
  }

  /** Whether a lease's id is one that lasts. */
  public static boolean isLasting(String id) {
    return id.startsWith("@");
  }
}
