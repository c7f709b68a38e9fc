package relay.stream;

/** Skips the header of a gzip member (RFC 1952). The input may be split anywhere. */
final class GzipHeader {
  private static final int HEADER_CRC = 2;
  private static final int EXTRA = 4;
  private static final int NAME = 8;
  private static final int COMMENT = 16;
  private static final int RESERVED = 0xe0;

  private enum Part {
    FIXED,
    EXTRA_LENGTH,
    EXTRA,
    NAME,
    COMMENT,
    CRC,
    DONE,
    INVALID
  }

  private Part part = Part.FIXED;
  private int flags;
  private int count; // bytes read of this part; for EXTRA: bytes left
  private int extraLength;

  void reset() {
    part = Part.FIXED;
    count = 0;
  }

  boolean done() {
    return part == Part.DONE;
  }

  boolean invalid() {
    return part == Part.INVALID;
  }

  /** Reads one byte. Must not be called once done or invalid. */
  void accept(int b) {
    switch (part) {
      case FIXED -> fixed(b);
      case EXTRA_LENGTH -> {
        extraLength = count == 0 ? b : extraLength | b << 8;
        if (++count == 2) {
          count = extraLength;
          part = Part.EXTRA;
          if (extraLength == 0) {
            after(EXTRA);
          }
        }
      }
      case EXTRA -> {
        if (--count == 0) {
          after(EXTRA);
        }
      }
      case NAME -> {
        if (b == 0) {
          after(NAME);
        }
      }
      case COMMENT -> {
        if (b == 0) {
          after(COMMENT);
        }
      }
      case CRC -> {
        if (++count == 2) {
          part = Part.DONE;
        }
      }
      case DONE, INVALID -> {}
    }
  }

  private void fixed(int b) {
    boolean valid =
        switch (count) {
          case 0 -> b == 0x1f;
          case 1 -> b == 0x8b;
          case 2 -> b == 8;
          case 3 -> (b & RESERVED) == 0;
          default -> true;
        };
    if (!valid) {
      part = Part.INVALID;
      return;
    }
    flags = count == 3 ? b : flags;
    if (++count == 10) {
      after(0);
    }
  }

  /** Moves to the next part that the flags announce, in the format's order. */
  private void after(int flag) {
    count = 0;
    if (flag < EXTRA && (flags & EXTRA) != 0) {
      part = Part.EXTRA_LENGTH;
    } else if (flag < NAME && (flags & NAME) != 0) {
      part = Part.NAME;
    } else if (flag < COMMENT && (flags & COMMENT) != 0) {
      part = Part.COMMENT;
    } else {
      part = (flags & HEADER_CRC) != 0 ? Part.CRC : Part.DONE;
    }
  }
}
