package relay.redis.model;

import org.jspecify.annotations.Nullable;

/** A fault of a Redis that answers, and its remedy. */
public enum RedisTrouble {
  /** Redis may evict keys. */
  EVICTION("set maxmemory-policy noeviction: Relay cannot restore an evicted window"),
  /** Redis is too old. */
  VERSION("Relay needs Redis 7.0 or later, or Valkey 7.2 or later"),
  /** The user or the password is wrong. */
  LOGIN("check redis.username and redis.password_file, or the user and password in redis.url"),
  /** The user may not do what Relay does. */
  RIGHTS(
      "it needs +fcall +function|load +@read +@write +@connection +time (in a Cluster also"
          + " +cluster|slots +cluster|info), and the keys of redis.prefix, as ~relay:*"),
  /** Redis is a replica. */
  READ_ONLY("this Redis is a replica; redis.url must lead to the master, or to sentinels"),
  /** Redis has no memory left. */
  MEMORY("the memory of Redis is full; raise maxmemory"),
  /** Another build has stored what this one cannot read, under the number of this one's form. */
  SCHEMA(
      "the state in Redis has a form that this version of Relay cannot read; stop the version that"
          + " wrote it, then delete the named key: that loses what was used in the last window"),
  /** A pool's keys are on several masters, or on another one. */
  CROSS_SLOT("this Redis is a node of a Cluster; set redis.cluster: true");

  private final String advice;

  RedisTrouble(String advice) {
    this.advice = advice;
  }

  /** The remedy, for a message. */
  public String advice() {
    return advice;
  }

  /**
   * Whether the error says that the Redis user lacks rights: for a call, a key, or a command in a
   * script. The message of the last kind changed from Redis 7.0 to 7.2.
   */
  public static boolean isMissingRights(String why) {
    return why.startsWith("NOPERM ")
        || why.contains("ACL failure in script")
        || why.contains("The user executing the script");
  }

  /** The trouble behind an error of Redis; null if it is none of these. */
  public static @Nullable RedisTrouble of(String error) {
    if (isMissingRights(error)) {
      return RIGHTS;
    }
    if (error.contains("WRONGPASS ") || error.contains("NOAUTH ")) { // also told by a sentinel
      return LOGIN;
    }
    if (error.startsWith("READONLY ") || error.contains("-READONLY ")) {
      return READ_ONLY;
    }
    if (error.startsWith("OOM ") || error.contains("-OOM ")) {
      return MEMORY;
    }
    if (error.startsWith("CROSSSLOT ") || error.startsWith("MOVED ")) {
      return CROSS_SLOT;
    }
    if (error.startsWith("SCHEMA ")) {
      return SCHEMA;
    }
    return error.startsWith("ERR unknown command") ? VERSION : null;
  }
}
