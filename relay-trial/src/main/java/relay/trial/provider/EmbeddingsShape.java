package relay.trial.provider;

/** The Embeddings API: vectors, no output tokens, no streams. */
final class EmbeddingsShape extends OpenAiApi {
  @Override
  public String json(String id, RequestFields fields, long inputTokens, long outputTokens) {
    return "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,"
        + "\"embedding\":[0.25,-0.5,1.0]}],\"model\":"
        + AnswerShape.quote(fields.model())
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
  public long outputUpFront(RequestFields fields) {
    return 0;
  }

  @Override
  public boolean streams() {
    return false;
  }

  @Override
  public int eventCount(int contentEvents, RequestFields fields) {
    return 0;
  }

  @Override
  public String event(
      int index, int contentEvents, String id, RequestFields fields, Script script) {
    throw new IllegalStateException("embeddings are not streamed");
  }

  @Override
  public int contentEventsThrough(int index, int contentEvents, RequestFields fields) {
    return 0;
  }
}
