package relay.request;

/** Why an object or a list is looked into. */
enum Role {
  ROOT,
  STREAM_OPTIONS,
  /** Anthropic's {@code source}: its data is a payload when its type says base64. */
  SOURCE,
  /** OpenAI's {@code input_audio}: its data is a payload. */
  INPUT_AUDIO,
  /** OpenAI's {@code image_url}: its URL is that of an image. */
  IMAGE_URL,
  /** Its {@code user_id} names the conversation. */
  METADATA,
  /** A list of messages; one of them. */
  MESSAGES,
  MESSAGE,
  PLAIN
}
