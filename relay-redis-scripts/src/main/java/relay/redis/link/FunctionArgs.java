package relay.redis.link;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.protocol.CommandArgs;
import io.netty.buffer.ByteBuf;

/**
 * The arguments of a function's call, written as they are. Lettuce makes an object of each, and a
 * string of each length: a kilobyte a call.
 */
final class FunctionArgs extends CommandArgs<byte[], byte[]> {
  private final String function;
  private final byte[][] keys;
  private final byte[][] args;

  FunctionArgs(String function, byte[][] keys, byte[][] args) {
    super(ByteArrayCodec.INSTANCE);
    this.function = function;
    this.keys = keys;
    this.args = args;
  }

  @Override
  public int count() {
    return 2 + keys.length + args.length;
  }

  @Override
  public void encode(ByteBuf to) {
    head(to, function.length());
    to.writeCharSequence(function, US_ASCII);
    end(to);
    head(to, digits(keys.length));
    number(to, keys.length);
    end(to);
    write(to, keys);
    write(to, args);
  }

  private static void write(ByteBuf to, byte[][] all) {
    for (byte[] one : all) {
      head(to, one.length);
      to.writeBytes(one);
      end(to);
    }
  }

  private static void head(ByteBuf to, int length) {
    to.writeByte('$');
    number(to, length);
    end(to);
  }

  private static void end(ByteBuf to) {
    to.writeByte('\r').writeByte('\n');
  }

  private static int digits(int n) {
    return n < 10 ? 1 : 1 + digits(n / 10);
  }

  private static void number(ByteBuf to, int n) {
    if (n >= 10) {
      number(to, n / 10);
    }
    to.writeByte('0' + n % 10);
  }
}
