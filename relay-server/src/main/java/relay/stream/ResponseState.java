package relay.stream;

import java.util.Set;

/**
 * What an answer tells of the response that it shows; each text is empty if it tells nothing.
 *
 * @param id the response's id
 * @param status such as {@code queued}
 * @param background {@code true} or {@code false}
 */
public record ResponseState(String id, String status, String background) {
  private static final Set<String> RUNNING = Set.of("queued", "in_progress");
  private static final Set<String> OVER =
      Set.of("completed", "failed", "cancelled", "incomplete", "expired");

  /** Nothing is known. */
  static final ResponseState UNKNOWN = new ResponseState("", "", "");

  /** Whether it still runs, as far as is known. */
  public boolean runs() {
    return RUNNING.contains(status);
  }

  /** Whether it will never change again. */
  public boolean isOver() {
    return OVER.contains(status);
  }

  /** The last event of its stream has come, whatever status that tells. */
  ResponseState ended() {
    return isOver() ? this : new ResponseState(id, "completed", background);
  }

  /** This state; a field that it does not have is taken from the one before. */
  ResponseState after(ResponseState before) {
    return new ResponseState(
        id.isEmpty() ? before.id : id,
        status.isEmpty() ? before.status : status,
        background.isEmpty() ? before.background : background);
  }
}
