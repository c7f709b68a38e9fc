package relay.attack;

import java.io.IOException;

/**
 * Conversations of a client that rests during the attack. The account that began one alone knows
 * it: who took the pin of another client made its conversation fail.
 */
final class Conversations {
  static final int NUMBER = 40;

  private final int port;

  /** Begins them. */
  Conversations(int port) throws IOException {
    this.port = port;
    if (answered("\"tools\":[{\"type\":\"code_execution_20250825\"}],", false) < NUMBER) {
      throw new IOException("not all conversations could be begun");
    }
  }

  /** How many go on at their account. */
  int kept() throws IOException {
    return answered("", true);
  }

  private int answered(String members, boolean names) throws IOException {
    int good = 0;
    for (int n = 0; n < NUMBER; n++) {
      String state = "container_bystander" + n;
      String container = names ? "\"container\":\"" + state + "\"," : "";
      String lines =
          "%s: %s\r\n%s: %s\r\n"
              .formatted(Requests.ANSWER, AttackProvider.CONVERSATION, Requests.STATE, state);
      String body = Requests.body(Target.MODEL, members + container);
      try (Wire wire = new Wire(port, 0)) {
        wire.send(Requests.post("/v1/messages", Normal.KEY, lines, body));
        good += wire.answer() == 200 ? 1 : 0;
      }
    }
    return good;
  }
}
