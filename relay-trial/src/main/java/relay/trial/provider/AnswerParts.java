package relay.trial.provider;

import java.nio.charset.StandardCharsets;
import relay.trial.provider.AnswerWriter.Parts;

/** The parts of a good answer. Output tokens are charged when their part is produced. */
final class AnswerParts implements Parts {
  private final AnswerShape shape;
  private final RequestFields fields;
  private final Script script;
  private final String id;
  private final AccountLedger ledger;
  private final boolean stream;
  private long chargedTokens;

  AnswerParts(
      AnswerShape shape, RequestFields fields, Script script, String id, AccountLedger ledger) {
    this.shape = shape;
    this.fields = fields;
    this.script = script;
    this.id = id;
    this.ledger = ledger;
    stream = fields.stream() && shape.streams();
  }

  @Override
  public int count() {
    // A JSON answer is cut in two, so that a fault has a middle to happen in.
    return stream ? shape.eventCount(script.events(), fields) : 2;
  }

  @Override
  public byte[] part(int index) {
    if (stream) {
      int through = shape.contentEventsThrough(index, script.events(), fields);
      long output = shape.outputTokens(script);
      charge(through == script.events() ? output : output * through / script.events());
      return bytes(shape.event(index, script.events(), id, fields, script));
    }
    charge(shape.outputTokens(script));
    String json = shape.json(id, fields, script.inputTokens(), shape.outputTokens(script));
    int middle = json.length() / 2;
    return bytes(index == 0 ? json.substring(0, middle) : json.substring(middle));
  }

  @Override
  public byte[] errorPart() {
    return bytes(shape.errorEvent());
  }

  private void charge(long cumulativeTokens) {
    if (cumulativeTokens > chargedTokens) {
      ledger.produced(cumulativeTokens - chargedTokens, shape.outputUpFront(fields) > 0);
      chargedTokens = cumulativeTokens;
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
