package relay.redis;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.guards.RespReader;

/** Reads messages of Redis and its clients as text, and keeps their bytes. */
final class RespMessages {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final RespReader messages;

  /**
   * @param in one side's stream, buffered
   */
  RespMessages(InputStream in) {
    messages = new RespReader(new Kept(in, bytes));
  }

  /**
   * The next message: a text, a number, or a list of them; null for a null reply.
   *
   * @throws EOFException when the other side has closed the stream
   */
  @Nullable Object next() throws IOException {
    return readable(messages.next());
  }

  private static @Nullable Object readable(@Nullable Object message) {
    return switch (message) {
      case byte[] text -> new String(text, StandardCharsets.UTF_8);
      case RespReader.ErrorReply(String text) -> text;
      case List<?> all -> {
        List<@Nullable Object> texts = new ArrayList<>(all.size());
        all.forEach(each -> texts.add(readable(each)));
        yield texts;
      }
      case null, default -> message;
    };
  }

  /** The bytes read since the last call. */
  byte[] taken() {
    byte[] all = bytes.toByteArray();
    bytes.reset();
    return all;
  }

  /** Copies what is read of a stream. */
  private static final class Kept extends FilterInputStream {
    private final ByteArrayOutputStream copy;

    Kept(InputStream in, ByteArrayOutputStream copy) {
      super(in);
      this.copy = copy;
    }

    @Override
    public int read() throws IOException {
      int one = super.read();
      if (one >= 0) {
        copy.write(one);
      }
      return one;
    }

    @Override
    public int read(byte[] into, int from, int most) throws IOException {
      int count = super.read(into, from, most);
      if (count > 0) {
        copy.write(into, from, count);
      }
      return count;
    }
  }
}
