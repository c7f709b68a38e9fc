package relay.redis.link;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.NestedMultiOutput;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A call is written as Lettuce writes its own commands. */
class FunctionArgsTest {
  private static byte[][] some(int count) {
    byte[][] all = new byte[count][];
    for (int n = 0; n < count; n++) {
      all[n] = "\r\n$é".repeat(n * n).getBytes(ISO_8859_1);
    }
    return all;
  }

  private static String written(CommandArgs<byte[], byte[]> args) {
    ByteBuf to = Unpooled.buffer();
    new Command<>(CommandType.FCALL, new NestedMultiOutput<>(ByteArrayCodec.INSTANCE), args)
        .encode(to);
    return to.toString(ISO_8859_1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 9, 10, 123})
  void calls_are_written_as_lettuce_does(int count) {
    byte[][] keys = some(count);
    byte[][] args = some(count + 1);
    CommandArgs<byte[], byte[]> theirs =
        new CommandArgs<>(ByteArrayCodec.INSTANCE)
            .add("a_function")
            .add(keys.length)
            .addKeys(keys)
            .addValues(args);
    assertEquals(written(theirs), written(new FunctionArgs("a_function", keys, args)));
  }
}
