package relay.trial.workers;

import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import relay.trial.load.PlainConnection.Answer;

/** Tokens that the provider's answers report, summed up. */
record Spent(long inputTokens, long outputTokens) {
  static final Spent NOTHING = new Spent(0, 0);

  private static final Pattern INPUT = Pattern.compile("\"input_tokens\":(\\d+)");
  private static final Pattern OUTPUT = Pattern.compile("\"output_tokens\":(\\d+)");

  /** A stream reports its usage twice; the last report counts. */
  Spent and(Answer answer) {
    return new Spent(
        inputTokens + last(INPUT, answer.bodyEnd()), outputTokens + last(OUTPUT, answer.bodyEnd()));
  }

  private static long last(Pattern pattern, String body) {
    return pattern
        .matcher(body)
        .results()
        .map((MatchResult found) -> Long.parseLong(found.group(1)))
        .reduce(0L, (_, later) -> later);
  }
}
