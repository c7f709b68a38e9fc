package relay.cli;

/** The arguments make no sense. */
final class UsageException extends Exception {
  private static final long serialVersionUID = 1;

  private final String text;

  UsageException(String fault, String advice) {
    super(fault);
    text = fault + "\n" + advice;
  }

  /** What is wrong, and on a second line what would be right. */
  String text() {
    return text;
  }
}
