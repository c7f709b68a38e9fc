package relay.trial.provider;

/** The Embeddings API: vectors, no output tokens, no streams. */
final class EmbeddingsShape extends OpenAiApi {
  @Override
  public String json(String id, AskedBody asked, long inputTokens, long outputTokens) {
    return "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,"
        + "\"embedding\":[0.25,-0.5,1.0]}],\"model\":"
        + AnswerShape.quote(asked.model())
        + ",\"usage\":{\"prompt_tokens\":"
        + inputTokens
        + ",\"total_tokens\":"
        + inputTokens
        + "}}";
  }

  @Override
  public long outputTokens(Script script) {
    return 0;
  }

  @Override
  public long outputUpFront(AskedBody asked) {
    return 0;
  }

  @Override
  public boolean streams() {
    return false;
  }

  @Override
  public int eventCount(int contentEvents, AskedBody asked) {
    return 0;
  }

  @Override
  public String event(int index, int contentEvents, String id, AskedBody asked, Script script) {
    throw new IllegalStateException("embeddings are not streamed");
  }

  @Override
  public int contentEventsThrough(int index, int contentEvents, AskedBody asked) {
    return 0;
  }
}
