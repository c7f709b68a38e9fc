package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;

/** The member names that the scanner recognizes, matched without creating a String. */
enum Name {
  MODEL("model", 1),
  STREAM("stream", 2),
  STREAM_OPTIONS("stream_options"),
  INCLUDE_USAGE("include_usage"),
  INPUT("input"),
  MAX_TOKENS("max_tokens", 4),
  MAX_COMPLETION_TOKENS("max_completion_tokens", 8),
  MAX_OUTPUT_TOKENS("max_output_tokens", 16),
  SOURCE("source"),
  TYPE("type"),
  DATA("data"),
  INPUT_AUDIO("input_audio"),
  URL("url"),
  IMAGE_URL("image_url"),
  FILE_DATA("file_data"),
  SYSTEM("system"),
  TOOLS("tools"),
  INSTRUCTIONS("instructions"),
  MESSAGES("messages"),
  ROLE("role"),
  CACHE_CONTROL("cache_control"),
  METADATA("metadata"),
  USER_ID("user_id"),
  USER("user"),
  PROMPT_CACHE_KEY("prompt_cache_key"),
  SPEED("speed"),
  SERVICE_TIER("service_tier"),
  PREVIOUS_RESPONSE_ID("previous_response_id", true),
  CONVERSATION("conversation", true),
  ENCRYPTED_CONTENT("encrypted_content", true),
  FILE_ID("file_id", true),
  FILE_IDS("file_ids", true),
  CONTAINER("container", true),
  OTHER("");

  /** The length of the longest name. */
  static final int LONGEST = "max_completion_tokens".length();

  final String text;

  /** Whether its value names what only one account of the provider knows. */
  final boolean namesState;

  /** A distinct bit if the name may occur only once at top level, else 0. */
  final int onceBit;

  Name(String text, int onceBit) {
    this.text = text;
    this.onceBit = onceBit;
    namesState = false;
  }

  Name(String text) {
    this(text, 0);
  }

  Name(String text, boolean namesState) {
    this.text = text;
    this.onceBit = 0;
    this.namesState = namesState;
  }

  /** The name that was read last, after decoding its escapes. */
  static Name of(JsonText read, int start, int end) {
    if (!read.escaped) {
      return of(read.bytes, start, end);
    }
    if (read.decodedLength > LONGEST) {
      return OTHER;
    }
    byte[] decoded = Escapes.decode(read, start, end, true).getBytes(UTF_8);
    return of(decoded, 0, decoded.length);
  }

  static Name of(byte[] body, int start, int end) {
    Name candidate =
        switch (end - start) {
          case 3 -> URL;
          case 4 -> ofFour(body[start]);
          case 5 -> ofFive(body[start]);
          case 6 -> ofSix(body[start + 1]);
          case 7 -> body[start] == 'u' ? USER_ID : FILE_ID;
          case 8 -> ofEight(body[start + 2]);
          case 9 -> ofNine(body[start]);
          case 10 -> MAX_TOKENS;
          case 11 -> INPUT_AUDIO;
          case 12 -> ofTwelve(body[start]);
          case 13 -> body[start] == 'i' ? INCLUDE_USAGE : CACHE_CONTROL;
          case 14 -> STREAM_OPTIONS;
          case 16 -> PROMPT_CACHE_KEY;
          case 17 -> body[start] == 'm' ? MAX_OUTPUT_TOKENS : ENCRYPTED_CONTENT;
          case 20 -> PREVIOUS_RESPONSE_ID;
          case 21 -> MAX_COMPLETION_TOKENS;
          default -> OTHER;
        };
    String wanted = candidate.text;
    for (int i = 0; i < wanted.length(); i++) {
      if (body[start + i] != wanted.charAt(i)) {
        return OTHER;
      }
    }
    return candidate;
  }

  private static Name ofEight(byte third) {
    return switch (third) {
      case 's' -> MESSAGES;
      case 'l' -> FILE_IDS;
      default -> METADATA;
    };
  }

  private static Name ofNine(byte first) {
    return switch (first) {
      case 'i' -> IMAGE_URL;
      case 'c' -> CONTAINER;
      default -> FILE_DATA;
    };
  }

  private static Name ofTwelve(byte first) {
    return switch (first) {
      case 'i' -> INSTRUCTIONS;
      case 'c' -> CONVERSATION;
      default -> SERVICE_TIER;
    };
  }

  private static Name ofFour(byte first) {
    return switch (first) {
      case 't' -> TYPE;
      case 'r' -> ROLE;
      case 'u' -> USER;
      default -> DATA;
    };
  }

  private static Name ofFive(byte first) {
    return switch (first) {
      case 'm' -> MODEL;
      case 'i' -> INPUT;
      case 's' -> SPEED;
      default -> TOOLS;
    };
  }

  private static Name ofSix(byte second) {
    return switch (second) {
      case 't' -> STREAM;
      case 'y' -> SYSTEM;
      default -> SOURCE;
    };
  }
}
