package relay.upstream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.model.HeaderLines;

/** A provider's response that is known as a whole. */
public final class KnownReply implements ProviderReply {
  private final int status;
  private final HeaderLines lines;
  private final byte[] body;

  public KnownReply(int status, HeaderLines lines, byte[] body) {
    this.status = status;
    this.lines = lines;
    this.body = body;
  }

  /** Keeps a response, and its body up to a maximum length. */
  public static KnownReply of(ProviderReply reply, int bytes) {
    HeaderLines lines = new HeaderLines();
    reply.forEachHeader(lines::add);
    return new KnownReply(reply.status(), lines, reply.readAtMost(bytes));
  }

  @Override
  public int status() {
    return status;
  }

  @Override
  public @Nullable String header(String name) {
    List<String> all = headers(name);
    return all.isEmpty() ? null : all.getLast();
  }

  @Override
  public List<String> headers(String name) {
    List<String> values = new ArrayList<>();
    lines.forEach(
        (line, value) -> {
          if (line.equalsIgnoreCase(name)) {
            values.add(value);
          }
        });
    return values;
  }

  @Override
  public void forEachHeader(HeaderLines.Visitor visitor) {
    lines.forEach(visitor);
  }

  /** The whole body. Must not be changed. */
  public byte[] body() {
    return body;
  }

  @Override
  public byte[] readAtMost(int bytes) {
    return body.length <= bytes ? body : Arrays.copyOf(body, bytes);
  }

  @Override
  public byte[] peekAtMost(int bytes) {
    return readAtMost(bytes);
  }
}
