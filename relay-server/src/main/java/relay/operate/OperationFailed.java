package relay.operate;

/** A command failed; the text explains it to the user. */
final class OperationFailed extends Exception {
  private static final long serialVersionUID = 1;

  private final int exitCode;
  private final String text;

  private OperationFailed(int exitCode, String text) {
    super(text);
    this.exitCode = exitCode;
    this.text = text;
  }

  /** Bad usage or config: exit code 2. */
  static OperationFailed badUsage(String text) {
    return new OperationFailed(2, text);
  }

  /** A failure at run time: exit code 1. */
  static OperationFailed atRunTime(String text) {
    return new OperationFailed(1, text);
  }

  int exitCode() {
    return exitCode;
  }

  /** The fault, and how to correct it. */
  String text() {
    return text;
  }
}
