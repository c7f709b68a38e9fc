package relay.model;

import org.jspecify.annotations.Nullable;

/**
 * The path of a call about leases. An id lets its client end the lease, so logs and traces show its
 * first letters only.
 *
 * @param id empty for an acquire
 * @param verb what follows the id; empty for nothing
 */
public record LeasePath(String id, String verb) {
  /** The path of an acquire. */
  public static final String ALL = "/v1/relay/leases";

  private static final String UNKNOWN = "unknown";
  private static final int SHOWN_LETTERS = 8;

  /**
   * @param path without a query
   * @return null for another path
   */
  public static @Nullable LeasePath of(String path) {
    if (!path.startsWith(ALL)) {
      return null;
    }
    if (path.length() == ALL.length()) {
      return new LeasePath("", "");
    }
    if (path.charAt(ALL.length()) != '/') {
      return null;
    }
    String rest = path.substring(ALL.length() + 1);
    if (rest.isEmpty()) {
      return new LeasePath("", "/"); // there is nothing
    }
    int slash = rest.indexOf('/');
    return slash < 0
        ? new LeasePath(rest, "")
        : new LeasePath(rest.substring(0, slash), rest.substring(slash + 1));
  }

  /** Whether it is the path of an acquire. */
  public boolean isOfAll() {
    return id.isEmpty() && verb.isEmpty();
  }

  /** What the call does, in one word of a few. */
  public String call(String method) {
    if (verb.isEmpty()) {
      return isOfAll() ? "acquire" : method.equals("DELETE") ? "cancel" : UNKNOWN;
    }
    return switch (verb) {
      case "progress", "settle", "refused", "observed" -> verb;
      default -> UNKNOWN;
    };
  }

  /** The path's form; null if there is no such call. */
  public @Nullable String route(String method) {
    if (isOfAll()) {
      return ALL;
    }
    return call(method).equals(UNKNOWN)
        ? null
        : ALL + "/{lease}" + (verb.isEmpty() ? "" : "/" + verb);
  }

  /** The path with the first letters of the id. */
  public String shown() {
    return isOfAll() ? ALL : ALL + "/" + shortened(id) + (verb.isEmpty() ? "" : "/" + verb);
  }

  /** The first letters of a lease's id: they tell leases apart, and are of no use for a call. */
  public static String shortened(String id) {
    return id.length() <= SHOWN_LETTERS ? id : id.substring(0, SHOWN_LETTERS);
  }
}
