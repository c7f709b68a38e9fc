package relay.operate;

/** A command cannot do what was asked. */
final class OperationFailed extends Exception {
  private static final long serialVersionUID = 1;

  private final int exitCode;
  private final String text;

  private OperationFailed(int exitCode, String text) {
    super(text);
    this.exitCode = exitCode;
    this.text = text;
  }

  /** What was asked for makes no sense: exit code 2. */
  static OperationFailed badUsage(String text) {
    return new OperationFailed(2, text);
  }

  /** It would have made sense: exit code 1. */
  static OperationFailed atRunTime(String text) {
    return new OperationFailed(1, text);
  }

  int exitCode() {
    return exitCode;
  }

  /** What is wrong, and what to do. */
  String text() {
    return text;
  }
}
