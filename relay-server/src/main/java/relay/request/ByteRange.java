package relay.request;

/** Bytes {@code start} (inclusive) to {@code end} (exclusive) of a body. */
public record ByteRange(int start, int end) {

  public ByteRange {
    if (start < 0 || end < start) {
      throw new IllegalArgumentException("not a range: " + start + ".." + end);
    }
  }

  public int length() {
    return end - start;
  }
}
