package relay.request;

/** The meaning of an object or list to the scanner. */
enum Role {
  ROOT,
  STREAM_OPTIONS,
  /** Anthropic's {@code source}: its data is a payload if its type is base64. */
  SOURCE,
  /** OpenAI's {@code input_audio}: its data is a payload. */
  INPUT_AUDIO,
  /** OpenAI's {@code image_url}: its URL refers to an image. */
  IMAGE_URL,
  /** Its {@code user_id} identifies the conversation. */
  METADATA,
  /** A list of messages. */
  MESSAGES,
  MESSAGE,
  PLAIN
}
